import { describe, expect, test } from "bun:test";
import packet from "dns-packet";
import * as fc from "fast-check";
import { type IpAddress, parseIp } from "../ipam/ip-address.ts";
import { answerLocally, type LocalKnowledge } from "./answer.ts";
import { emptyAnswer, isAnswerTo, parseQuery, type Query, RCODE, withId } from "./message.ts";
import { createNameTable } from "./name-table.ts";

function ip(text: string): IpAddress {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

const names = createNameTable();
const back = { networkId: "1", networkName: "back", links: { store: "db" } };
const front = { networkId: "2", networkName: "front.example", links: {} };
names.set({
  endpointId: "a",
  networkId: "1",
  names: ["db", "database", "0123456789ab"],
  addresses: [ip("10.0.0.2"), ip("fd00::2")],
});
for (let host = 10; host < 70; host++) {
  names.set({ endpointId: `p${host}`, networkId: "1", names: [`p${host}`, "pool"], addresses: [ip(`10.0.0.${host}`)] });
}
names.set({ endpointId: "f", networkId: "2", names: ["web"], addresses: [ip("10.1.0.2")] });

const knowledge: LocalKnowledge = {
  names,
  networks: [back, front],
  isOurs: (address) => address.family === 4 && address.value >> 16n === 0x0a00n,
  forwardsSingleLabels: false,
};

function ask(name: string, type: packet.RecordType = "A", udpPayloadSize?: number): Query {
  const additionals: packet.OptAnswer[] =
    udpPayloadSize === undefined
      ? []
      : [
          {
            type: "OPT",
            name: ".",
            udpPayloadSize,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ];
  const bytes = packet.encode({ type: "query", id: 77, flags: 0x100, questions: [{ type, name }], additionals });
  const query = parseQuery(bytes);
  if (query === undefined) throw new Error(`${name} is no query`);
  return query;
}

function answered(query: Query, more: Partial<LocalKnowledge> = {}) {
  const answer = answerLocally(query, { ...knowledge, ...more }, query.maximumBytes);
  if (answer === undefined) return "forwarded";
  const { answers = [], flags = 0, id } = packet.decode(answer);
  expect(id).toBe(77);
  expect(answer.length).toBeLessThanOrEqual(query.maximumBytes);
  return { data: answers.map((record) => ("data" in record ? record.data : "")), rcode: flags & 15, flags };
}

const data = (result: ReturnType<typeof answered>) => (result === "forwarded" ? result : result.data);
const rcode = (result: ReturnType<typeof answered>) => (result === "forwarded" ? result : result.rcode);

describe("answerLocally()", () => {
  test.each([
    ["db", "A", ["10.0.0.2"]],
    ["DB", "A", ["10.0.0.2"]],
    ["database", "AAAA", ["fd00::2"]],
    ["db.back", "A", ["10.0.0.2"]],
    ["store", "A", ["10.0.0.2"]],
    ["web.front.example", "A", ["10.1.0.2"]],
    ["2.0.0.10.in-addr.arpa", "PTR", ["db.back"]],
    ["2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", "PTR", ["db.back"]],
  ] as const)("tells %s %s", (name, type, expected) => {
    expect(data(answered(ask(name, type)))).toEqual([...expected]);
  });

  test("says that a name has no record of a type, instead of asking others for it", () => {
    for (const type of ["AAAA", "MX", "TXT", "SOA"] as const) {
      expect(answered(ask("pool", type))).toMatchObject({ data: [], rcode: RCODE.noError });
    }
  });

  test("keeps names without a dot, and addresses of one's own networks, to itself", () => {
    expect(rcode(answered(ask("nosuch")))).toBe(RCODE.nameError);
    expect(rcode(answered(ask("9.9.0.10.in-addr.arpa", "PTR")))).toBe(RCODE.nameError);
    expect(answered(ask("nosuch"), { forwardsSingleLabels: true })).toBe("forwarded");
    expect(answered(ask("example.org"))).toBe("forwarded");
    expect(answered(ask("1.1.1.1.in-addr.arpa", "PTR"))).toBe("forwarded");
    expect(answered(ask("nosuch.back"))).toBe("forwarded");
  });

  test("tells no name that does not fit into DNS", () => {
    const table = createNameTable();
    table.set({ endpointId: "l", networkId: "1", names: ["x".repeat(64)], addresses: [ip("10.0.0.2")] });
    expect(rcode(answered(ask("2.0.0.10.in-addr.arpa", "PTR"), { names: table }))).toBe(RCODE.nameError);
  });

  test("sees only networks of one's own", () => {
    expect(rcode(answered(ask("db"), { networks: [front] }))).toBe(RCODE.nameError);
    expect(answered(ask("db.back"), { networks: [front] })).toBe("forwarded");
  });

  test("marks what does not fit as truncated, and fits more where the client takes more", () => {
    const short = answered(ask("pool"));
    const long = answered(ask("pool", "A", 4096));
    if (short === "forwarded" || long === "forwarded") throw new Error("forwarded");
    expect([short.data.length < 60, (short.flags & 0x200) !== 0]).toEqual([true, true]);
    expect([long.data.length, (long.flags & 0x200) !== 0]).toEqual([60, false]);
    expect(new Set(long.data).size).toBe(60);
  });

  test("repeats the question letter by letter", () => {
    const query = ask("dB");
    const answer = answerLocally(query, knowledge, 512) ?? Buffer.alloc(0);
    expect(answer.subarray(12, query.questionEnd)).toEqual(query.bytes.subarray(12, query.questionEnd));
    expect(isAnswerTo(withId(answer, 5), 5, query)).toBe(true);
    expect(isAnswerTo(answer, 5, query)).toBe(false);
    expect(isAnswerTo(answer, 77, ask("db.back"))).toBe(false);
  });
});

describe("parseQuery()", () => {
  test("survives anything, and what it takes can be answered", () => {
    const real = ask("pool").bytes;
    const mangled = fc
      .tuple(fc.array(fc.tuple(fc.nat(real.length - 1), fc.nat(255)), { maxLength: 6 }), fc.nat(real.length))
      .map(([changes, cut]) => {
        const copy = Buffer.from(real);
        for (const [at, value] of changes) copy.writeUInt8(value, at);
        return copy.subarray(0, cut);
      });
    const anything = fc.oneof(
      mangled,
      fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(anything, (bytes) => {
        const query = parseQuery(bytes);
        if (query === undefined) emptyAnswer(bytes, RCODE.formatError);
        else answerLocally(query, knowledge, query.maximumBytes);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ["an answer", packet.encode({ type: "response", id: 1, questions: [{ type: "A", name: "x" }] })],
    ["no question", packet.encode({ type: "query", id: 1, questions: [] })],
    ["nothing", Buffer.alloc(0)],
  ])("refuses %s", (_what, bytes) => {
    expect(parseQuery(bytes)).toBeUndefined();
  });
});

describe("the name table", () => {
  test("forgets, and an address that was given anew is its new holder's", () => {
    const table = createNameTable();
    const endpoint = { networkId: "1", addresses: [ip("10.0.0.2")] };
    table.set({ ...endpoint, endpointId: "old", names: ["old"] });
    table.set({ ...endpoint, endpointId: "new", names: ["new"] });
    table.delete("old");
    table.delete("old");
    expect(table.resolve([back], "old")).toBeUndefined();
    expect(table.reverse([back], ip("10.0.0.2"))).toBe("new.back");
    table.set({ ...endpoint, endpointId: "new", names: ["newer"] });
    expect(table.resolve([back], "new")).toBeUndefined();
    expect(table.resolve([back], "newer")).toEqual([ip("10.0.0.2")]);
  });
});

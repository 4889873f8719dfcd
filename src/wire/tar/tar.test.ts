import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { TAR_BLOCK, TarError, type TarHeader, tarPaddingOf } from "./header.ts";
import { formatPaxRecord, parsePaxRecords } from "./pax.ts";
import { createTarParser } from "./reader.ts";
import { encodeTarHeader, plainTarHeader, tarEnd } from "./writer.ts";

type Member = { header: TarHeader; data: Buffer };

function encode(members: readonly Member[]): Buffer {
  const pieces: Uint8Array[] = members.flatMap(({ header, data }) => [
    encodeTarHeader(header),
    data,
    new Uint8Array(tarPaddingOf(data.length)),
  ]);
  return Buffer.concat([...pieces, tarEnd]);
}

function decode(archive: Buffer, chunkSize = archive.length, limits?: Parameters<typeof createTarParser>[1]) {
  const members: Member[] = [];
  const raw: Buffer[] = [];
  const parser = createTarParser(
    {
      entry: (header) => void members.push({ header, data: Buffer.alloc(0) }),
      data: (bytes) => {
        const last = members.at(-1) as Member;
        last.data = Buffer.concat([last.data, bytes]);
      },
      end: () => {},
      raw: (bytes) => void raw.push(Buffer.from(bytes)),
    },
    limits,
  );
  for (let at = 0; at < archive.length; at += chunkSize) parser.write(archive.subarray(at, at + chunkSize));
  parser.finish();
  return { members, raw: Buffer.concat(raw) };
}

function file(path: string, text = ""): Member {
  const data = Buffer.from(text);
  return { header: plainTarHeader({ path, type: "file", sizeBytes: data.length }), data };
}

/** A header block with some fields overwritten and its checksum made right again. */
function forged(path: string, change: (block: Buffer) => void): Buffer {
  const block = Buffer.from(encodeTarHeader(plainTarHeader({ path, type: "file" })));
  change(block);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

const byteString = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => Buffer.from(bytes).toString("latin1").replaceAll("\0", "x"));

describe("tar", () => {
  test("what the writer writes, the reader reads, whatever the chunks", () => {
    const member = fc.record({
      path: byteString(1, 300).map((path) => `a${path.replace(/\/+$/, "")}b`),
      mode: fc.integer({ min: 0, max: 0o7777 }),
      uid: fc.integer({ min: 0, max: 0xffff_fffe }),
      mtimeSeconds: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
      data: fc.uint8Array({ maxLength: 1500 }).map((bytes) => Buffer.from(bytes)),
      attributes: fc.dictionary(
        fc.stringMatching(/^user\.[a-z]{1,9}$/),
        fc.uint8Array({ maxLength: 40 }).map((b) => Buffer.from(b)),
      ),
    });
    fc.assert(
      fc.property(fc.array(member, { maxLength: 4 }), fc.integer({ min: 1, max: 3000 }), (list, chunkSize) => {
        const members = list.map(({ data, attributes, ...rest }) => ({
          header: plainTarHeader({
            ...rest,
            type: "file",
            sizeBytes: data.length,
            attributes: new Map(Object.entries(attributes)),
          }),
          data,
        }));
        const archive = encode(members);
        const { members: read, raw } = decode(archive, chunkSize);
        expect(
          read.map(({ header, data }) => ({
            ...header,
            attributes: Object.fromEntries(header.attributes),
            data: data.toString("hex"),
          })),
        ).toEqual(
          members.map(({ header, data }) => ({
            ...header,
            attributes: Object.fromEntries(header.attributes),
            data: data.toString("hex"),
          })),
        );
        expect(raw.length + members.reduce((sum, { data }) => sum + data.length, 0)).toBe(archive.length);
      }),
      { numRuns: 60 },
    );
  });

  test("sizes from 8 GiB go through PAX", () => {
    const header = plainTarHeader({ path: "big", type: "file", sizeBytes: 2 ** 34 });
    let seen: TarHeader | undefined;
    createTarParser({ entry: (found) => void (seen = found), data: () => {}, end: () => {} }).write(
      encodeTarHeader(header),
    );
    expect(seen?.sizeBytes).toBe(2 ** 34);
  });

  test("GNU long names, base-256 numbers and ustar prefixes are read", () => {
    const name = `long/${"n".repeat(200)}`;
    const longName = forged("././@LongLink", (block) => {
      block.write("L", 156);
      block.write((name.length + 1).toString(8).padStart(11, "0"), 124);
    });
    const data = Buffer.alloc(TAR_BLOCK);
    data.write(name);
    const base256 = forged("x", (block) => {
      block[108] = 0x80;
      block.fill(0, 109, 116);
      block.writeUInt32BE(3_000_000_000, 112);
      block.fill(0xff, 136, 148);
    });
    const prefixed = forged("leaf", (block) => void block.write("some/prefix", 345));
    const { members } = decode(Buffer.concat([longName, data, base256, prefixed, tarEnd]));
    expect(members[0]?.header.path).toBe(name);
    expect(members[0]?.header.uid).toBe(3_000_000_000);
    expect(members[0]?.header.mtimeSeconds).toBe(-1);
    expect(members[1]?.header.path).toBe("some/prefix/leaf");
  });

  test("a file whose name ends in a slash is a directory, and links have no payload", () => {
    const directory = forged("dir/", (block) => void (block[156] = 0));
    const link = forged("link", (block) => {
      block.write("2", 156);
      block.write("00000000777", 124);
      block.write("target", 157);
    });
    const { members } = decode(Buffer.concat([directory, link, tarEnd]));
    expect(members.map(({ header }) => [header.type, header.sizeBytes])).toEqual([
      ["directory", 0],
      ["symlink", 0],
    ]);
  });

  test.each<[string, () => Buffer]>([
    ["a wrong checksum", () => encode([file("a")]).fill(0x37, 148, 154)],
    ["an archive cut in a header", () => encode([file("a", "text")]).subarray(0, 300)],
    ["an archive cut in a payload", () => encode([file("a", "x".repeat(2000))]).subarray(0, 1500)],
    ["a member after the end", () => Buffer.concat([Buffer.alloc(TAR_BLOCK), encode([file("a")])])],
    ["a sparse member", () => forged("a", (block) => void block.write("S", 156))],
    ["an unknown type", () => forged("a", (block) => void block.write("Z", 156))],
    ["a negative size", () => forged("a", (block) => void block.fill(0xff, 124, 136))],
    ["an owner out of range", () => forged("a", (block) => void block.fill(0x7f, 108, 116).writeUInt8(0x80, 108))],
    ["letters in a number", () => forged("a", (block) => void block.write("9zz", 100))],
    [
      "PAX larger than the limit",
      () => forged("a", (block) => block.write("x", 156) && block.write("77777777777", 124)),
    ],
  ])("refuses %s", (_name, make) => {
    expect(() => decode(make())).toThrow(TarError);
  });

  test("refuses more members than the limit", () => {
    const archive = encode([file("a"), file("b"), file("c")]);
    expect(() => decode(archive, archive.length, { entries: 2, metadataBytes: 1024 })).toThrow(TarError);
  });

  test("refuses PAX sparse maps and NUL bytes in names", () => {
    for (const [key, value] of [
      ["GNU.sparse.major", "1"],
      ["path", "a\0b"],
      ["size", "-1"],
      ["mtime", "soon"],
    ] as const) {
      const record = formatPaxRecord(key, Buffer.from(value));
      const header = forged("pax", (block) => {
        block.write("x", 156);
        block.write(record.length.toString(8).padStart(11, "0"), 124);
      });
      const padded = Buffer.concat([record, new Uint8Array(tarPaddingOf(record.length))]);
      expect(() => decode(Buffer.concat([header, padded, encode([file("f")])]))).toThrow(TarError);
    }
  });

  test("PAX records count their own length, and malformed ones are refused", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z.]{1,20}$/), fc.uint8Array({ maxLength: 1200 }), (key, value) => {
        expect([...parsePaxRecords(formatPaxRecord(key, value))]).toEqual([[key, Buffer.from(value)]]);
      }),
    );
    for (const text of ["x a=b\n", "99 a=b\n", "6 a=b", "4 =\n", "-1 a=b\n", "0 a=b\n"]) {
      expect(() => parsePaxRecords(Buffer.from(text))).toThrow(TarError);
    }
  });

  test("never throws anything but its own error on noise", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 512, maxLength: 2048 }), (noise) => {
        try {
          decode(Buffer.from(noise));
        } catch (error) {
          expect(error).toBeInstanceOf(TarError);
        }
      }),
    );
  });
});

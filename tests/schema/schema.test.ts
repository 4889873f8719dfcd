import { describe, expect, test } from "bun:test";
import { descriptionPresent, readDescription } from "./description.ts";
import { createMessageReader, type HttpMessage } from "./http-messages.ts";
import { createResponseChecks } from "./response-checks.ts";

function read(kind: "request" | "response", text: string, pieces = 1): HttpMessage[] {
  const messages: HttpMessage[] = [];
  const reader = createMessageReader({ kind, onMessage: (message) => messages.push(message) });
  const bytes = Buffer.from(text);
  const step = Math.max(1, Math.ceil(bytes.length / pieces));
  for (let at = 0; at < bytes.length; at += step) reader.push(bytes.subarray(at, at + step));
  reader.end();
  return messages;
}

describe("messages of a connection", () => {
  const two =
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[]\n" +
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab\r\n\r\n2\r\ncd\r\n0\r\n\r\n" +
    "HTTP/1.1 204 No Content\r\n\r\n" +
    "HTTP/1.1 200 OK\r\n\r\ntill the end";

  test.each([1, 2, 7, 1000])("are read in %d pieces", (pieces) => {
    const messages = read("response", two, pieces);
    expect(messages.map(({ body }) => body.toString())).toEqual(["[]\n", "ab\r\ncd", "", "till the end"]);
    expect(messages.every(({ whole }) => whole)).toBe(true);
  });

  test("end at an upgrade, and one that breaks off says so", () => {
    expect(read("response", "HTTP/1.1 101 UPGRADED\r\n\r\n\u0001\u0000").length).toBe(1);
    expect(read("response", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").map(({ whole }) => whole)).toEqual([
      false,
    ]);
    expect(read("request", "\u0000 nonsense\r\n\r\n")).toEqual([]);
  });
});

if (!descriptionPresent) console.log("skipped: the API description is not there, so its checks cannot be tried");
describe.skipIf(!descriptionPresent)("the API description", () => {
  const check = descriptionPresent ? createResponseChecks(readDescription()) : () => [];
  const answer = (request: string, body: unknown, status = 200, type = "application/json") => {
    const text = typeof body === "string" ? body : `${JSON.stringify(body)}\n`;
    const [response] = read(
      "response",
      `HTTP/1.1 ${status} X\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
    return check(request, response as HttpMessage);
  };
  const image = {
    Id: "x",
    ParentId: "",
    RepoTags: [],
    RepoDigests: [],
    Created: 1,
    Size: 1,
    SharedSize: -1,
    Containers: -1,
  };

  test("accepts what fits", () => {
    expect(answer("GET /v1.41/images/json?all=1 HTTP/1.1", [{ ...image, Labels: null }])).toEqual([]);
    expect(answer("GET /containers/x/json HTTP/1.1", { message: "no" }, 404)).toEqual([]);
    expect(answer("GET /events HTTP/1.1", '{"Type":"image","timeNano":1}\n{"Type":"image"}\n')).toEqual([]);
  });

  test("finds a missing field, a wrong type, an unknown field, an unknown status", () => {
    const { Size: _, ...without } = image;
    expect(answer("GET /images/json HTTP/1.1", [without]).join()).toContain("must have required property 'Size'");
    expect(answer("GET /images/json HTTP/1.1", [{ ...image, Size: "1" }]).join()).toContain("/*/Size: must be integer");
    expect(answer("GET /images/json HTTP/1.1", [{ ...image, Colour: 1 }]).join()).toContain("/*/Colour: not described");
    expect(answer("GET /images/json HTTP/1.1", [], 299).join()).toContain("no such status");
    expect(answer("GET /images/json HTTP/1.1", { error: "x" }, 500).join()).toContain("required property 'message'");
    expect(answer("GET /images/json HTTP/1.1", { message: "x" }, 500, "text/plain").join()).toContain("text/plain");
    expect(answer("GET /events HTTP/1.1", '{"Type":5}\n').join()).toContain("/Type: must be string");
    expect(answer("POST /containers/create HTTP/1.1", { Id: "x", Warnings: null }, 201).join()).toContain("/Warnings");
  });
});

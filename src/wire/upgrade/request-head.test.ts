import { describe, expect, test } from "bun:test";
import { endOfHead, filterHead } from "./request-head.ts";

const takesOver = (method: string, path: string) => method === "POST" && path.startsWith("/take");
const filter = (text: string) => filterHead(Buffer.from(text, "latin1"), takesOver);

describe("filterHead", () => {
  test("leaves an ordinary request alone, the very same buffer", () => {
    const chunk = Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(filterHead(chunk, takesOver).chunk).toBe(chunk);
  });

  test("makes an upgrade of a call that takes over, and remembers whether it was asked for", () => {
    const plain = filter("POST /take HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc");
    expect(plain.chunk.toString()).toBe(
      "POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nabc",
    );
    expect(plain).toMatchObject({ takesOver: true, upgraded: false });
    expect(filter("POST /take HTTP/1.1\r\nupgrade: tcp\r\nconnection: upgrade\r\n\r\n")).toMatchObject({
      upgraded: true,
    });
  });

  test("drops an upgrade that nobody takes, folded lines included", () => {
    const { chunk } = filter("GET / HTTP/1.1\r\nUpgrade: h2c,\r\n more\r\nHTTP2-Settings: x\r\n\r\n");
    expect(chunk.toString()).toBe("GET / HTTP/1.1\r\nHTTP2-Settings: x\r\n\r\n");
  });

  test("does not touch bytes after the head", () => {
    const body = "\r\nUpgrade: tcp\r\n\r\n\xff";
    expect(filter(`POST /take HTTP/1.1\r\n\r\n${body}`).chunk.toString("latin1")).toEndWith(`tcp\r\n\r\n${body}`);
  });
});

describe("endOfHead", () => {
  test("is -1 while the blank line is missing", () => {
    expect(endOfHead(Buffer.from("GET / HTTP/1.1\r\n\r"))).toBe(-1);
    expect(endOfHead(Buffer.from("A\r\n\r\nB"))).toBe(5);
  });
});

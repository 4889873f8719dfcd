import { expect, test } from "bun:test";
import { decodeRegistryAuth } from "./credentials.ts";

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

test("decodeRegistryAuth() reads what the docker command sends", () => {
  const header = encode({ username: "ada", password: "pass:word", serveraddress: "127.0.0.1:5000" });
  expect(decodeRegistryAuth(header)).toMatchObject({ username: "ada", password: "pass:word" });
  expect(decodeRegistryAuth(`${header}==`).serverAddress).toBe("127.0.0.1:5000");
});

test("decodeRegistryAuth() reads the pair from auth", () => {
  const auth = Buffer.from("ada:pass:word").toString("base64");
  expect(decodeRegistryAuth(encode({ auth }))).toMatchObject({ username: "ada", password: "pass:word" });
});

test.each([undefined, "", "e30=", "e30", "%%%", encode([]), encode({ username: 3 }), "x".repeat(100_000)])(
  "decodeRegistryAuth(%p) has no credentials",
  (header) => {
    const { username, identityToken } = decodeRegistryAuth(header);
    expect([username, identityToken]).toEqual([undefined, undefined]);
  },
);

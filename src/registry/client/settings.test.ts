import { describe, expect, test } from "bun:test";
import { isInSubnet, isSubnet, parseInsecureRegistry, parseMirror, registryConfig } from "./settings.ts";

describe("parseMirror()", () => {
  test.each([
    ["https://mirror.example", "https://mirror.example/"],
    ["http://mirror.example:5000/", "http://mirror.example:5000/"],
    ["https://mirror.example/path", "https://mirror.example/path/"],
  ])("takes %p", (text, mirror) => expect(parseMirror(text)).toBe(mirror));

  // The sentences are Docker's (moby: registry/config.go).
  test.each([
    [
      "mirror.example",
      `invalid mirror: no scheme specified for "mirror.example": must use either 'https://' or 'http://'`,
    ],
    ["ftp://x", `invalid mirror: unsupported scheme "ftp" in "ftp://x": must use either 'https://' or 'http://'`],
    ["https://x/?q=1", 'invalid mirror: query or fragment at end of the URI "https://x/?q=1"'],
    ["https://x/#f", 'invalid mirror: query or fragment at end of the URI "https://x/#f"'],
    ["https://ada:secret@x/", 'invalid mirror: username/password not allowed in URI "https://ada:xxxxx@x/"'],
    ["https://[", 'invalid mirror: "https://[" is not a valid URI'],
  ])("refuses %p", (text, message) => expect(() => parseMirror(text)).toThrow(message));
});

describe("parseInsecureRegistry()", () => {
  test.each([
    ["registry.lan:5000", "registry.lan:5000"],
    ["http://registry.lan", "registry.lan"],
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["fd00::/8", "fd00::/8"],
    ["[::1]:5000", "[::1]:5000"],
  ])("takes %p", (text, entry) => expect(parseInsecureRegistry(text)).toBe(entry));

  test.each(["ftp://x", "-x", "x-", "a b", "x:70000", "x:port", "", "x/y"])("refuses %p", (text) =>
    expect(() => parseInsecureRegistry(text)).toThrow(`insecure registry ${text} `),
  );
});

test.each([
  ["127.0.0.1", "127.0.0.0/8", true],
  ["128.0.0.1", "127.0.0.0/8", false],
  ["10.1.2.3", "0.0.0.0/0", true],
  ["::1", "::1/128", true],
  ["::2", "::1/128", false],
  ["fd12::9", "fd00::/8", true],
  ["127.0.0.1", "::1/128", false],
  ["name", "127.0.0.0/8", false],
])("isInSubnet(%p, %p) is %p", (address, subnet, expected) => expect(isInSubnet(address, subnet)).toBe(expected));

test("isSubnet() knows a subnet from a host", () => {
  expect(["10.0.0.0/8", "::/0", "10.0.0.0/33", "x/8", "10.0.0.0"].map(isSubnet)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test("registryConfig() always trusts this machine", () => {
  const config = registryConfig({ insecureRegistries: [], mirrors: [], certificateDirectories: [], userAgent: "" });
  expect(config.InsecureRegistryCIDRs).toEqual(["::1/128", "127.0.0.0/8"]);
});

import { expect, test } from "bun:test";
import { choosePlatform, type Descriptor, fitsPlatform, type Platform, platformText } from "#formats";
import { parsePlatform } from "./platform.ts";

const entry = (platform: Platform | undefined, name: string): Descriptor => ({
  mediaType: "x",
  digest: `sha256:${name.padEnd(64, "0")}`,
  size: 1,
  ...(platform === undefined ? {} : { platform }),
});

test.each([
  ["linux/amd64", "linux/amd64"],
  ["linux/x86_64", "linux/amd64"],
  ["linux/amd64/v1", "linux/amd64"],
  ["linux/arm64/v8", "linux/arm64"],
  ["linux/aarch64", "linux/arm64"],
  ["linux/arm", "linux/arm/v7"],
  ["linux/arm/6", "linux/arm/v6"],
  ["armhf", "linux/arm/v7"],
  ["riscv64", "linux/riscv64"],
])("parsePlatform(%p) is %p", (text, expected) => expect(platformText(parsePlatform(text))).toBe(expected));

test.each(["", "linux/", "a/b/c/d", "linux/am d64", "nonsense"])("parsePlatform(%p) is refused", (text) => {
  expect(() => parsePlatform(text)).toThrow("is an invalid component of a platform");
});

test("choosePlatform() takes the best variant a machine can run, and no attestation", () => {
  const entries = [
    entry({ os: "unknown", architecture: "unknown" }, "a"),
    entry(undefined, "b"),
    entry({ os: "linux", architecture: "arm", variant: "v5" }, "c"),
    entry({ os: "linux", architecture: "arm", variant: "v6" }, "d"),
    entry({ os: "linux", architecture: "arm64", variant: "v8" }, "e"),
    entry({ os: "linux", architecture: "amd64" }, "f"),
    entry({ os: "linux", architecture: "amd64", variant: "v3" }, "1"),
  ];
  const chosen = (text: string) => choosePlatform(entries, parsePlatform(text)).map(({ digest }) => digest[7]);
  expect(chosen("linux/arm/v7")).toEqual(["d", "c"]);
  expect(chosen("linux/arm64")).toEqual(["e"]);
  expect(chosen("linux/amd64")).toEqual(["f"]);
  expect(chosen("linux/amd64/v4")).toEqual(["1", "f"]);
  expect(chosen("linux/s390x")).toEqual([]);
});

test("fitsPlatform() does not take a newer variant than asked for", () => {
  const arm = (variant: string): Platform => ({ os: "linux", architecture: "arm", variant });
  expect(fitsPlatform(arm("v7"), arm("v6"))).toBe(true);
  expect(fitsPlatform(arm("v6"), arm("v7"))).toBe(false);
});

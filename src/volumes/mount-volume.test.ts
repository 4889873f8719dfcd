import { describe, expect, test } from "bun:test";
import { checkMountOptions } from "./mount-options.ts";
import { resolveAddresses, splitMountOptions } from "./mount-volume.ts";

test.each([
  ["size=1m,uid=1000", 0, 0, "size=1m,uid=1000"],
  ["ro,noexec,addr=10.0.0.1", 0x1 | 0x8, 0, "addr=10.0.0.1"],
  ["bind,rw", 0x1000, 0, ""],
  ["rbind,ro,rslave", 0x5001, 0x84000, ""],
  ["", 0, 0, ""],
])("splitMountOptions(%p) tells flags, propagation and data apart", (text, flags, propagation, data) => {
  expect(splitMountOptions(text)).toEqual({ flags, propagation, data });
});

describe("checkMountOptions()", () => {
  test.each([
    [{ nope: "1" }, 'create v: invalid option: "nope"'],
    [{ type: "tmpfs" }, 'missing required option: "device"'],
    [{ device: "/x" }, 'missing required option: "type"'],
    [{ o: "bind" }, 'missing required option: "device"'],
    [{ type: "none", o: "bind", device: "" }, 'missing required option: "device"'],
    [{ type: "cifs", device: "//h:445/x" }, "port not allowed in CIFS device URL, include 'port' in 'o='"],
  ] as [Record<string, string>, string][])("refuses %j", (options, sentence) => {
    expect(() => checkMountOptions("v", options)).toThrow(sentence);
  });
  test("takes none, and whole sets", () => {
    checkMountOptions("v", {});
    checkMountOptions("v", { type: "nfs", device: ":/x", o: "addr=h" });
  });
});

describe("resolveAddresses()", () => {
  const nfs = { type: "nfs", device: ":/x", options: "addr=localhost,rw" };
  test("gives the kernel addresses for names", async () => {
    expect((await resolveAddresses(nfs)).options).toMatch(/^addr=(127\.0\.0\.1|::1),rw$/);
    expect((await resolveAddresses({ type: "cifs", device: "//localhost/s", options: "" })).device).not.toContain(
      "localhost",
    );
    expect(await resolveAddresses({ ...nfs, options: "addr=10.1.2.3" })).toEqual({ ...nfs, options: "addr=10.1.2.3" });
    expect(await resolveAddresses({ ...nfs, type: "tmpfs" })).toEqual({ ...nfs, type: "tmpfs" });
  });
  test("names the host that has no address", async () => {
    const lost = resolveAddresses({ ...nfs, options: "addr=no-such-host.invalid" });
    expect(lost).rejects.toThrow("lookup no-such-host.invalid: no such host");
  });
});

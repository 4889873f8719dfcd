import { expect, test } from "bun:test";
import { splitMountOptions } from "./volume-mounts.ts";

test.each([
  ["size=1m,uid=1000", 0, "size=1m,uid=1000"],
  ["ro,noexec,addr=10.0.0.1", 0x1 | 0x8, "addr=10.0.0.1"],
  ["bind,rw", 0x1000, ""],
  ["", 0, ""],
])("splitMountOptions(%p) tells flags from data", (text, flags, data) => {
  expect(splitMountOptions(text)).toEqual({ flags, data });
});

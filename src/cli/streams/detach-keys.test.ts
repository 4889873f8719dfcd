import { describe, expect, test } from "bun:test";
import { createDetachWatcher, parseDetachKeys } from "./detach-keys.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

describe("detach keys", () => {
  test("parseDetachKeys reads control keys and letters", () => {
    expect(parseDetachKeys("")).toEqual([16, 17]);
    expect(parseDetachKeys("ctrl-a,d,ctrl-[")).toEqual([1, 100, 27]);
    expect(() => parseDetachKeys("ctrl-!")).toThrow("invalid detach keys");
  });

  test("createDetachWatcher holds a part back and gives it up when the rest does not follow", () => {
    const watch = createDetachWatcher([16, 17]);
    expect(watch(bytes(97, 16))).toEqual({ pass: bytes(97), detached: false });
    expect(watch(bytes(98))).toEqual({ pass: bytes(16, 98), detached: false });
    expect(watch(bytes(16, 16))).toEqual({ pass: bytes(16), detached: false });
    expect(watch(bytes(17, 99))).toEqual({ pass: bytes(), detached: true });
  });
});

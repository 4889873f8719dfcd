import { describe, expect, test } from "bun:test";
import { createDetachWatcher, defaultDetachKeys, parseDetachKeys } from "./detach-keys.ts";

describe("parseDetachKeys", () => {
  test.each([
    ["ctrl-p,ctrl-q", [16, 17]],
    ["ctrl-@", [0]],
    ["ctrl-_,a", [31, 97]],
    ["ctrl-[", [27]],
    ["DEL", [127]],
  ])("reads %s", (text, codes) => {
    expect([...(parseDetachKeys(text) ?? [])]).toEqual(codes);
  });
  test.each(["", "ctrl-", "ctrl-P", "ab", "ctrl-p,,", "ctrl-p ctrl-q", "ä"])("refuses %p", (text) => {
    expect(parseDetachKeys(text)).toBeUndefined();
  });
});

describe("createDetachWatcher", () => {
  /** What came through, and whether it detached, for chunks of typed bytes. */
  function typed(...chunks: string[]): [string, boolean] {
    const watch = createDetachWatcher(defaultDetachKeys);
    let passed = "";
    for (const chunk of chunks) {
      const { pass, detach } = watch(Buffer.from(chunk, "latin1"));
      passed += Buffer.from(pass).toString("latin1");
      if (detach) return [passed, true];
    }
    return [passed, false];
  }
  test.each([
    [["abc"], "abc", false],
    [["\x10\x11"], "", true],
    [["a\x10", "\x11b"], "a", true],
    [["a\x10", "b"], "a\x10b", false],
    [["\x10\x10\x11"], "\x10", true],
    [["\x10\x10x"], "\x10\x10x", false],
    [["\x11\x10"], "\x11", false],
  ] as [string[], string, boolean][])("%p", (chunks, passed, detached) => {
    expect(typed(...chunks)).toEqual([passed, detached]);
  });
});

import { describe, expect, test } from "bun:test";
import { applyMode, parseModeChange } from "./mode.ts";

describe("modes", () => {
  test.each([
    ["755", 0o600, false, 0o755],
    ["u=rwX,go=rX", 0o600, false, 0o644],
    ["u=rwX,go=rX", 0o700, true, 0o755],
    ["+x", 0o644, false, 0o755],
    ["a-w", 0o666, false, 0o444],
    ["o=g", 0o640, false, 0o644],
    ["u+s,g+s,+t", 0o755, false, 0o7755],
    ["go=", 0o777, false, 0o700],
    ["u+r-w", 0o200, false, 0o400],
  ] as const)("%s makes %i (directory: %p) %i", (text, before, isDirectory, after) => {
    expect(applyMode(parseModeChange(text), before, isDirectory)).toBe(after);
  });

  test.each(["64a", "8", "77777", "-1"])("%s is refused as octal", (text) => {
    expect(() => parseModeChange(text)).toThrow("it should be octal string and between 0 and 07777");
  });

  test.each(["u=q", "x", "", "u+r;"])("%j is refused", (text) => {
    expect(() => parseModeChange(text)).toThrow("invalid chmod parameter");
  });
});

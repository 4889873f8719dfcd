import { describe, expect, test } from "bun:test";
import { bytesToKeep } from "./build-prune.ts";

describe("bytesToKeep", () => {
  test.each([
    ["nothing is asked", { reserved: 0, maximum: 0, minimumFree: 0 }, 100, 0, 0],
    ["a maximum", { reserved: 0, maximum: 60, minimumFree: 0 }, 100, 0, 60],
    ["a reserve", { reserved: 40, maximum: 0, minimumFree: 0 }, 100, 0, 40],
    ["free space that is lacking", { reserved: 0, maximum: 0, minimumFree: 30 }, 100, 10, 80],
    ["free space that is there", { reserved: 0, maximum: 60, minimumFree: 30 }, 100, 50, 60],
    ["both", { reserved: 0, maximum: 60, minimumFree: 90 }, 100, 20, 30],
    ["never below the reserve", { reserved: 50, maximum: 60, minimumFree: 200 }, 100, 20, 50],
  ] as const)("%s", (_name, limits, used, free, keep) => {
    expect(bytesToKeep(limits, used, free)).toBe(keep);
  });
});

import { expect, test } from "bun:test";
import { parseNumberList } from "./number-list.ts";

test("parseNumberList() expands ranges and refuses nonsense", () => {
  expect(parseNumberList("0-2,5")).toEqual([0, 1, 2, 5]);
  expect(parseNumberList(" 5, 1 ,1\n")).toEqual([1, 5]);
  expect(parseNumberList("")).toEqual([]);
  for (const bad of ["a", "3-1", "0-", "-1", "0-99999", "1,,2"]) expect(parseNumberList(bad)).toBeUndefined();
});

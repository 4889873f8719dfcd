import { describe, expect, test } from "bun:test";
import { parseFilters } from "./filters.ts";

describe("parseFilters", () => {
  test.each(['{"label":{"a=b":true,"c":true}}', '{"label":["a=b","c"]}'])("reads %s", (text) => {
    const filters = parseFilters(text, ["label"]);
    expect(filters.values("label")).toEqual(["a=b", "c"]);
    expect(filters.labels({ a: "b", c: "" })).toBe(true);
    expect(filters.labels({ a: "b" })).toBe(false);
    expect(filters.labels(null)).toBe(false);
  });

  test.each(["", " ", "null", "{}"])("%p is no filter", (text) => {
    expect(parseFilters(text, []).has("x")).toBe(false);
  });

  test.each([
    ["{", "invalid filter"],
    ["[]", "invalid filter"],
    ["1", "invalid filter"],
    ['{"x":["1"]}', "invalid filter 'x'"],
    ['{"name":"a"}', "invalid filter 'name'"],
    ['{"name":[1]}', "invalid filter 'name'"],
    ['{"name":{"a":1}}', "invalid filter 'name'"],
  ])("refuses %s", (text, message) => {
    expect(() => parseFilters(text, ["name"])).toThrow(new Error(message));
  });

  test("matches names as unanchored regular expressions, any of several", () => {
    const filters = parseFilters('{"name":["^we","x$"]}');
    expect(filters.matches("name", "web")).toBe(true);
    expect(filters.matches("name", "/ax", "ax")).toBe(true);
    expect(filters.matches("name", "aweb")).toBe(false);
    expect(filters.matches("id", "anything")).toBe(true);
  });

  test("takes a dangerous or broken pattern literally", () => {
    const long = `${"a".repeat(64)}!`;
    for (const pattern of ["(a+)+$", "((a+)+)+$", "(", "a*a*a*a*a*a*$", "(a|a)*$", String.raw`(a)\1`]) {
      const filters = parseFilters(JSON.stringify({ name: [pattern] }));
      expect(filters.matches("name", long)).toBe(false);
      expect(filters.matches("name", `x${pattern}`)).toBe(true);
    }
  });

  test("reads one boolean", () => {
    expect(parseFilters('{"dangling":["true"]}').flag("dangling")).toBe(true);
    expect(parseFilters('{"dangling":{"0":true}}').flag("dangling")).toBe(false);
    expect(parseFilters("").flag("dangling")).toBeUndefined();
    expect(() => parseFilters('{"dangling":["maybe"]}').flag("dangling")).toThrow("invalid filter 'dangling=maybe'");
    expect(() => parseFilters('{"dangling":["1","0"]}').flag("dangling")).toThrow("invalid filter");
  });

  test("tells absence of a label by label!", () => {
    expect(parseFilters('{"label!":["keep"]}').labels({ keep: "1" })).toBe(false);
    expect(parseFilters('{"label!":["keep=2"]}').labels({ keep: "1" })).toBe(true);
  });
});

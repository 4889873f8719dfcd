import { expect, test } from "bun:test";
import { jsonSyntaxError } from "./json-syntax.ts";

// The right column is what Go 1.24's json.Decoder says.
test.each([
  ["{invalid json", "invalid character 'i' looking for beginning of object key string"],
  ["{} trailing content", "unexpected content after JSON"],
  ['{"a":1} {"b":2}', "unexpected content after JSON"],
  ["x", "invalid character 'x' looking for beginning of value"],
  ['{"a"', "unexpected EOF"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b":2}', "invalid character '\"' after object key:value pair"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ["[1 2]", "invalid character '2' after array element"],
  ["[1,]", "invalid character ']' looking for beginning of value"],
  ["tru e", "invalid character ' ' in literal true (expecting 'e')"],
  ["nul", "unexpected EOF"],
  ['"a\nb"', String.raw`invalid character '\n' in string literal`],
  [String.raw`"\x"`, "invalid character 'x' in string escape code"],
  [String.raw`"\u00g0"`, String.raw`invalid character 'g' in \u hexadecimal character escape`],
  ["-x", "invalid character 'x' in numeric literal"],
  ["[1.x]", "invalid character 'x' after decimal point in numeric literal"],
  ["[1ex]", "invalid character 'x' in exponent of numeric literal"],
  ["{'a':1}", String.raw`invalid character '\'' looking for beginning of object key string`],
])("%s is %s", (text, expected) => {
  expect(jsonSyntaxError(text)).toBe(expected);
});

test("nesting costs no stack", () => {
  expect(jsonSyntaxError("[".repeat(1_000_000))).toBe("unexpected EOF");
});

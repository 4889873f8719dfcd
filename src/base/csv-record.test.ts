import { expect, test } from "bun:test";
import { readCsvRecord } from "./csv-record.ts";

test.each([
  ["", [""]],
  ["a", ["a"]],
  ["a,b,", ["a", "b", ""]],
  ['a,"b,""c""",d', ["a", 'b,"c"', "d"]],
  ['"",x', ["", "x"]],
  ['type=local,"dest=a ""b"", c"', ["type=local", 'dest=a "b", c']],
])("%s", (text, fields) => {
  expect(readCsvRecord(text)).toEqual(fields);
});

// What the docker CLI 28 says of these in `--mount`.
test.each([
  ['type=bind,"x', 'parse error on line 1, column 13: extraneous or missing " in quoted-field'],
  ['type=bind,a"b,c', 'parse error on line 1, column 12: bare " in non-quoted-field'],
  ['"ab"c,d=1', 'parse error on line 1, column 4: extraneous or missing " in quoted-field'],
  ['é,"b', 'parse error on line 1, column 6: extraneous or missing " in quoted-field'],
])("%s is refused", (text, sentence) => {
  expect(() => readCsvRecord(text)).toThrow(sentence);
});

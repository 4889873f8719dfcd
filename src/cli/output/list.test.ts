import { describe, expect, test } from "bun:test";
import { renderList } from "./list.ts";
import { printable, printableOutput, printableLine } from "./printable.ts";
import { tabulate } from "./tabulate.ts";

const base = {
  defaultTable: "{{.ID}}\t{{.Name}}",
  quietTemplate: "{{.ID}}",
  headers: { ID: "THING ID", Name: "NAME" },
  subject: "*thing",
  rows: [
    { ID: "a1", Name: "first", Label: (name: unknown) => `l-${String(name)}` },
    { ID: "b2", Name: "<second>", Label: () => "" },
  ],
};

describe("renderList", () => {
  test("makes a table whose columns are at least ten wide", () => {
    expect(renderList({ ...base, format: "" })).toBe("THING ID   NAME\na1         first\nb2         <second>\n");
  });

  test("shows the header alone when there is nothing", () => {
    expect(renderList({ ...base, format: "table", rows: [] })).toBe("THING ID   NAME\n");
  });

  test("takes a table template, with functions and labels", () => {
    expect(renderList({ ...base, format: 'table {{upper .Name}}\\t{{.Label "x"}}' })).toBe(
      "NAME       x\nFIRST      l-x\n<SECOND>   \n",
    );
  });

  test("prints a template, ids and JSON without a header", () => {
    expect(renderList({ ...base, format: "{{.Name}}={{.ID}}" })).toBe("first=a1\n<second>=b2\n");
    expect(renderList({ ...base, format: "", quiet: true })).toBe("a1\nb2\n");
    expect(renderList({ ...base, format: "json" })).toBe(
      '{"ID":"a1","Name":"first"}\n{"ID":"b2","Name":"\\u003csecond\\u003e"}\n',
    );
  });

  test("says which field there is not", () => {
    expect(() => renderList({ ...base, format: "{{.Foo}}" })).toThrow(
      'template parsing error: template: :1:2: executing "" at <.Foo>: can\'t evaluate field Foo in type *thing',
    );
    expect(() => renderList({ ...base, format: "{{.ID" })).toThrow(
      "template parsing error: template: :1: unclosed action",
    );
  });

  test("spells out control characters of names", () => {
    const rows = [{ ID: "x\u001b[31m\n", Name: "" }];
    expect(renderList({ ...base, format: "{{.ID}}", rows })).toBe("x\\u001b[31m\\n\n");
  });
});

describe("tabulate", () => {
  test("aligns runs of lines that share a column", () => {
    expect(tabulate("a\tb\tc\nlonger-than-ten\tb\tc\n")).toBe(
      `a${" ".repeat(17)}b         c\nlonger-than-ten   b         c\n`,
    );
    expect(tabulate("plain\na\tb\n")).toBe("plain\na         b\n");
  });
});

describe("printable", () => {
  test("keeps line breaks and tabs, spells out the rest", () => {
    expect(printable("a\n\tb\u001b]0;x\u0007\u009b\u202e")).toBe("a\n\tb\\u001b]0;x\\u0007\\u009b\\u202e");
    expect(printableLine("a\nb")).toBe("a\\nb");
  });

  test("keeps colours of programs' output where they are wanted, and removes them elsewhere", () => {
    const text = "\u001b[91mred\u001b[0m 10%\r\u001b[2J\n";
    expect(printableOutput(text, true)).toBe("\u001b[91mred\u001b[0m 10%\r\\u001b[2J\n");
    expect(printableOutput(text, false)).toBe("red 10%\r\\u001b[2J\n");
  });
});

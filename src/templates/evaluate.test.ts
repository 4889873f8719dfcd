import { describe, expect, test } from "bun:test";
import { compileTemplate } from "./evaluate.ts";

const data = {
  Name: "/web",
  ID: "abc",
  Count: 3,
  Empty: "",
  None: null,
  On: true,
  List: ["a", "b", "c"],
  Labels: { tier: "front", app: "shop" },
  Ports: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }], "53/udp": null },
  State: { Health: { Status: "healthy" } },
  Label: (name: unknown) => `label:${String(name)}`,
};

describe("compileTemplate", () => {
  test.each([
    ["plain", "plain"],
    ["{{.Name}}", "/web"],
    ["{{ .State.Health.Status }}", "healthy"],
    ["{{.Count}} {{.On}} {{.None}} {{.List}} {{.Labels}}", "3 true <no value> [a b c] map[app:shop tier:front]"],
    ["{{json .Labels}}", '{"app":"shop","tier":"front"}'],
    ["{{json .Name}}", '"/web"'],
    ['{{index .Labels "app"}}|{{index .Labels "nope"}}', "shop|"],
    ["{{index .List 1}}", "b"],
    ['{{(index (index .Ports "80/tcp") 0).HostPort}}', "8080"],
    ["{{range .List}}<{{.}}>{{end}}", "<a><b><c>"],
    ["{{range $i, $v := .List}}{{$i}}={{$v}};{{end}}", "0=a;1=b;2=c;"],
    ["{{range $k, $v := .Labels}}{{$k}}={{$v}} {{end}}", "app=shop tier=front "],
    ['{{range .List}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}', "a"],
    ['{{range .List}}{{if eq . "b"}}{{continue}}{{end}}{{.}}{{end}}', "ac"],
    ["{{range .None}}x{{else}}none{{end}}", "none"],
    ["{{if .Empty}}yes{{else if .On}}on{{else}}no{{end}}", "on"],
    ["{{with .State}}{{.Health.Status}}{{end}}", "healthy"],
    ["{{with $x := .Count}}{{$x}}{{end}}", "3"],
    ["{{$x := 1}}{{$x = 2}}{{$x}}", "2"],
    ["{{if and .On (gt .Count 2)}}ok{{end}}", "ok"],
    ["{{if or .Empty .Name}}ok{{end}}", "ok"],
    ["{{if not .Empty}}ok{{end}}", "ok"],
    ['{{eq .ID "x" "abc"}}', "true"],
    ["{{len .List}} {{len .Name}}", "3 4"],
    ['{{printf "%-6s|%5.1f|%03d|%q|%x" .ID 2.24 7 "a" 255}}', 'abc   |  2.2|007|"a"|ff'],
    ['{{.Name | upper | printf "%s!"}}', "/WEB!"],
    ['{{join .List ","}} {{split "a:b" ":"}} {{title "hello world"}} {{lower "ABC"}}', "a,b,c [a b] Hello World abc"],
    ["{{pad .ID 1 2}}|{{truncate .Name 2}}", " abc  |/w"],
    ['{{println "a" 1}}', "a 1\n"],
    ['{{.Label "x"}}', "label:x"],
    ["a {{- .ID -}} b", "aabcb"],
    ["{{/* nothing */}}x", "x"],
    ['{{`raw`}}{{"q\\"\\t"}}', 'rawq"\t'],
    ["{{slice .Name 1}}", "web"],
    ["{{range .List}}{{$.ID}}{{end}}", "abcabcabc"],
    ["{{with .Empty}}a{{else}}b{{end}}", "b"],
  ])("renders %p as %p", (template, expected) => {
    expect(compileTemplate(template)(data)).toBe(expected);
  });

  test.each([
    ["{{.Name", "unclosed action"],
    ["{{nope .}}", 'function "nope" not defined'],
    ["{{if .On}}", "unexpected EOF"],
    ["{{end}}", "unexpected {{end}}"],
    ["{{}}", "missing value for command"],
    ["{{(.On}}", "unclosed left paren"],
  ])("refuses %p: %p", (template, message) => {
    expect(() => compileTemplate(template)).toThrow(message);
  });

  // Go's own answers, as docker prints them for a listing with these fields.
  test.each([
    ["{{.Names}", ":1: bad character U+007D '}'"],
    ["{{!}}", ':1: unexpected "!" in command'],
    ["{{ .Name ) }}", ":1: unexpected right paren"],
    ["{{1a}}", ':1: bad number syntax: "1a"'],
    ["{{$x}}", ':1: undefined variable "$x"'],
    ["{{break}}", ":1: {{break}} outside {{range}}"],
    ["{{true.x}}", ':1: unexpected . after term "true"'],
    ['{{"a" | "b"}}', ":1: non executable command in pipeline stage 2"],
    ["{{template}}", ':1: unexpected "}}" in template clause'],
    ["{{..}}", ":1: unexpected <.> in operand"],
    ["{{lower 1}}", ':1:8: executing "" at <1>: expected string; found 1'],
    ["{{.Name | len | lower}}", ':1:16: executing "" at <lower>: wrong type for value; expected string; got int'],
    ["{{lower}}", ':1:2: executing "" at <lower>: wrong number of args for lower: want 1 got 0'],
    ["{{eq .Name 1}}", ':1:2: executing "" at <eq .Name 1>: error calling eq: incompatible types for comparison'],
    ["{{len 3}}", ':1:2: executing "" at <len 3>: error calling len: len of type int'],
    ['{{index (split "a,b,c" ",") 3}}', "error calling index: reflect: slice index out of range"],
    ['{{index (split "a,b,c" ",") 4}}', "error calling index: index out of range: 4"],
    ["{{nil}}", ':1:2: executing "" at <nil>: nil is not a command'],
    ["{{range .Name}}{{end}}", ':1:8: executing "" at <.Name>: range can\'t iterate over /web'],
    ['{{template "y" .}}', ':1:11: executing "" at <{{template "y" .}}>: template "y" not defined'],
    ["{{and}}", ':1:2: executing "" at <and>: wrong number of args for and: want at least 1 got 0'],
    ["a\n{{.Name.x.y}}", ':2:7: executing "" at <.Name.x.y>: can\'t evaluate field x in type string'],
  ])("says of %p: %p", (template, message) => {
    expect(() => compileTemplate(template)(data)).toThrow(message);
  });

  test.each([
    ["{{.Nope}}", 'at <.Nope>: map has no entry for key "Nope"'],
    ["{{.None.X}}", "at <.None.X>"],
    ["{{index .List 9}}", "out of range"],
    ["{{.constructor}}", "no entry"],
  ])("fails on %p: %p", (template, message) => {
    expect(() => compileTemplate(template)(data)).toThrow(message);
  });
});

import { describe, expect, test } from "bun:test";
import { referenceNames, referenceText } from "../testing/reference-data.ts";
import { parseDockerfile } from "./dockerfile.ts";
import { type DockerfileNode, parseTree } from "./node.ts";

/** Upstream's s-expression of an instruction. */
function dump(node: DockerfileNode): string {
  const flags = node.flags.length > 0 ? [`[${node.flags.map((flag) => JSON.stringify(flag)).join(" ")}]`] : [];
  const rest = node.child === undefined ? node.arguments.map(quote) : [`(${dump(node.child)})`];
  return [node.keyword.toLowerCase(), ...flags, ...rest].join(" ");
}

function quote(text: string): string {
  return JSON.stringify(text).replaceAll("\\u0000", "\\x00"); // Go's spelling
}

function dumpAll(text: string): string {
  return parseTree(text)
    .nodes.map((node) => `(${dump(node)})`)
    .join("\n");
}

describe("parseTree()", () => {
  test("joins continued lines, skipping comments and empty lines between them", () => {
    const text = "FROM a\nRUN echo one \\\n  # a comment\n\n  two \\\n";
    const tree = parseTree(text);
    expect(tree.nodes[1]?.arguments).toEqual(["echo one   two"]);
    expect([tree.nodes[1]?.startLine, tree.nodes[1]?.endLine]).toEqual([2, 5]);
    expect(tree.warnings).toEqual(["Empty continuation line found in: RUN echo one   two "]);
  });

  test.each([
    ["FROM a\r\nRUN b \\\r\n c\r\n", '(from "a")\n(run "b  c")'],
    ["\uFEFFFROM a", '(from "a")'],
    ["# escape=`\nFROM `\n a", '(from "a")'],
    ["# other\n# escape=`\nFROM \\\n a", '(from "a")'],
    ["ENV A=b\\ c D='e f'", '(env "A" "b\\\\ c" "=" "D" "\'e f\'" "=")'],
    ["ENV a b c", '(env "a" "b c" "")'],
    ['CMD [ "a", "b" ]', '(cmd "a" "b")'],
    ["CMD [ 'a' ]", "(cmd \"[ 'a' ]\")"],
    ["COPY --from=x --chown=1:2 a b /c/", '(copy ["--from=x" "--chown=1:2"] "a" "b" "/c/")'],
    ["ONBUILD COPY . /", '(onbuild (copy "." "/"))'],
    ["HEALTHCHECK --interval=5s CMD a b", '(healthcheck ["--interval=5s"] "CMD" "a b")'],
    ["ENV C trailing\\\\\nENV D x", '(env "C" "trailing\\\\\\\\" "")\n(env "D" "x" "")'],
  ])("reads %j", (text, expected) => {
    expect(dumpAll(text)).toBe(expected);
  });

  test("keeps here-documents as written", () => {
    const text = "FROM a\nRUN <<-A <<'B'\n\tone $x\n\tA\n# two\nB\nUSER <<C\n";
    const nodes = parseTree(text).nodes;
    expect(nodes[1]?.heredocs).toEqual([
      { name: "A", content: "\tone $x\n", expand: true, fileDescriptor: 0, chomp: true },
      { name: "B", content: "# two\n", expand: false, fileDescriptor: 0, chomp: false },
    ]);
    expect(nodes[2]?.heredocs).toEqual([]);
    expect(() => parseTree("FROM a\nRUN <<A\nb\n")).toThrow("unterminated heredoc");
  });

  test("refuses a physical line that is too long", () => {
    expect(parseTree(`RUN ${"a".repeat(65531)}`).nodes).toHaveLength(1);
    expect(() => parseTree(`RUN ${"a".repeat(65532)}`)).toThrow(
      "dockerfile line greater than max allowed size of 65535",
    );
  });
});

describe("reference parser cases", () => {
  test.each(referenceNames("testfiles"))("%s", (name) => {
    expect(dumpAll(referenceText(`testfiles/${name}/Dockerfile`))).toBe(
      referenceText(`testfiles/${name}/result`).trim(),
    );
  });

  test.each(referenceNames("testfiles-negative"))("%s is refused", (name) => {
    const text = referenceText(`testfiles-negative/${name}/Dockerfile`);
    expect(() => parseDockerfile(text)).toThrow();
  });

  test.each(referenceNames("testfile-line"))("line ranges of %s", (name) => {
    const ranges = parseTree(referenceText(`testfile-line/${name}`)).nodes.map((node) => [
      node.startLine,
      node.endLine,
    ]);
    expect(ranges).toEqual([
      [5, 5],
      [11, 12],
      [17, 31],
    ]);
  });

  test.each(referenceNames("heredoc").filter((name) => name === "parse.Dockerfile"))("here-documents of %s", () => {
    const expected = JSON.parse(referenceText("heredoc/parse.expected.json")) as {
      children: ({ Name: string; Content: string; Expand: boolean; FileDescriptor: number; Chomp: boolean }[] | null)[];
    };
    const nodes = parseTree(referenceText("heredoc/parse.Dockerfile")).nodes.slice(1);
    for (const [index, want] of expected.children.entries()) {
      const have = (nodes[index]?.heredocs ?? []).map((heredoc) => ({
        Name: heredoc.name,
        Content: heredoc.content,
        Expand: heredoc.expand,
        FileDescriptor: heredoc.fileDescriptor,
        Chomp: heredoc.chomp,
      }));
      expect(have).toEqual(want ?? []);
    }
  });
});

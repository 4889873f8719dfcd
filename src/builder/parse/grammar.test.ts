import { describe, expect, test } from "bun:test";
import { detectDirective } from "./directives.ts";
import { parseDockerfile } from "./dockerfile.ts";
import { checkFrontend } from "./frontend.ts";
import type { DockerfileNode } from "./node.ts";
import { parseTree } from "./node.ts";

/* The rows of docs/dockerfile-features.md about files, directives and here-documents: what is easily got wrong. */

const last = (text: string): DockerfileNode => {
  const node = parseTree(text).nodes.at(-1);
  if (node === undefined) throw new Error("nothing parsed");
  return node;
};
const words = (text: string): readonly string[] => last(text).arguments;
const body = (text: string): string | undefined => last(text).heredocs[0]?.content;
const stages = (text: string) => parseDockerfile(text).stages;

describe("a file", () => {
  test.each([
    ["a # later in a line is literal", "FROM a\nRUN echo b # c", ["echo b # c"]],
    ["spaces before instructions and comments do not count", "  FROM a\n \t# x\n\t RUN b", ["b"]],
    ["spaces and tabs may follow a continuation", "FROM a\nRUN b \\ \t\n  c", ["b   c"]],
    ["a doubled escape at the end of a line continues nothing", "FROM a\nENV b c\\\\", ["b", "c\\\\", ""]],
    ["a continuation at the end of the file is legal", "FROM a\nRUN b \\", ["b"]],
    ["a backslash does not protect a space of COPY", "FROM a\nCOPY b\\ c /d", ["b\\", "c", "/d"]],
    ["quotes do not hold words of COPY together", 'FROM a\nCOPY "b c" /d', ['"b', 'c"', "/d"]],
    ["vertical tabs and form feeds part words", "FROM a\nVOLUME b\vc\fd\te", ["b", "c", "d", "e"]],
    ["an empty word in quotes is a word", 'FROM a\nENV b="" c=d', ["b", '""', "=", "c", "d", "="]],
    ["an array of JSON with single quotes is a text", "FROM a\nCMD ['b']", ["['b']"]],
    ["an array of JSON that does not end is a text", 'FROM a\nCMD ["b"', ['["b"']],
    ["flags end at the first word without dashes", "FROM a\nCOPY --chown=1 b --chmod=7", ["b", "--chmod=7"]],
    ["flags end at two dashes", "FROM a\nCOPY --chown=1 -- --chmod=7 /b", ["--chmod=7", "/b"]],
    ["a BOM does not hide a directive", "\uFEFF# escape=`\nFROM a\nRUN b `\n c", ["b  c"]],
  ])("%s", (_name, text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  test("comment lines inside an instruction are no empty continuation, empty lines are", () => {
    expect(parseTree("FROM a\nRUN b \\\n # c\n d").warnings).toEqual([]);
    expect(parseTree("FROM a\nRUN b \\\n\n d").warnings).toHaveLength(1);
  });

  test("the limit of a line holds within a here-document too", () => {
    expect(() => parseTree(`FROM a\nRUN <<A\n${"b".repeat(65_536)}\nA`)).toThrow("max allowed size of 65535");
  });

  test.each([
    ["flags are case-sensitive", "FROM a\nCOPY --FROM=b c d", "unknown flag: --FROM"],
    [
      "a boolean flag knows true and false",
      "FROM a\nCOPY --link=yes b c",
      "expecting boolean value for flag link, not: yes",
    ],
    ["a flag with a value needs =", "FROM a\nCOPY --chown 1 b c", "missing a value on flag: --chown"],
    [
      "an unknown key of a mount",
      "FROM a\nRUN --mount=typ=bind b",
      "unexpected key 'typ' in 'typ=bind' (did you mean type?)",
    ],
    ["a blank name of an argument", "FROM a\nARG =b", "ARG names can not be blank"],
    ["a stage may not be called like a number", "FROM a AS 2b", "name can't start with a number"],
    ["FROM takes no two words", "FROM a b", "FROM requires either one or three arguments"],
    ["an empty volume", 'FROM a\nVOLUME [""]', "VOLUME specified can not be an empty string"],
    ["MAINTAINER takes no flags", "FROM a\nMAINTAINER --x=1 b", "unknown flag: --x"],
    ["ONBUILD may not chain", "FROM a\nONBUILD ONBUILD RUN b", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
    ["ONBUILD FROM", "FROM a\nONBUILD FROM b", "FROM isn't allowed as an ONBUILD trigger"],
    ["ONBUILD MAINTAINER", "FROM a\nONBUILD MAINTAINER b", "MAINTAINER isn't allowed as an ONBUILD trigger"],
    ["HEALTHCHECK NONE takes nothing", "FROM a\nHEALTHCHECK NONE b", "HEALTHCHECK NONE takes no arguments"],
    ["HEALTHCHECK counts no negative retries", "FROM a\nHEALTHCHECK --retries=-1 CMD b", "-1"],
    ["a network of RUN that is none", "FROM a\nRUN --network=bridge b", "bridge"],
    ["COPY takes two words at least", "FROM a\nCOPY b", "COPY requires at least two arguments"],
    ["a here-document as destination", "FROM a\nCOPY b <<A\nc\nA", "COPY cannot accept a heredoc as a destination"],
    ["a directive twice", "# escape=`\n# ESCAPE=`\nFROM a", "only one escape parser directive can be used"],
  ])("%s is refused", (_name, text, message) => {
    expect(() => parseDockerfile(text)).toThrow(message);
  });

  test("keywords, AS and names of stages are of any case", () => {
    const [stage] = stages("from a aS Web\nrUn b");
    expect([stage?.from.name, stage?.instructions[0]?.kind]).toEqual(["web", "run"]);
  });
});

describe("directives", () => {
  const escapeOf = (text: string) => parseDockerfile(`${text}\nFROM a`).escape;

  test.each([
    ["keys are of any case, with spaces around", "#  ESCAPE = `", "`"],
    ["a blank line ends them", "\n# escape=`", "\\"],
    ["a comment ends them", "# hello\n# escape=`", "\\"],
    ["an unknown one ends them", "# other=1\n# escape=`", "\\"],
    ["they follow each other", "# syntax=docker/dockerfile:1\n# check=skip=all\n# escape=`", "`"],
  ] as const)("%s", (_name, text, escape) => {
    expect(escapeOf(text)).toBe(escape);
  });

  test.each([
    ["after a #! line", "#!/usr/bin/env x\n# syntax=docker/dockerfile:1 --opt\nFROM a"],
    ["after //", "// syntax=docker/dockerfile:1 --opt\n{}"],
    ["in JSON", '{"syntax":"docker/dockerfile:1 --opt"}'],
  ])("the language is named %s; its first word is the reference", (_name, text) => {
    expect(detectDirective(text, "syntax")).toMatchObject({
      reference: "docker/dockerfile:1",
      value: "docker/dockerfile:1 --opt",
    });
  });

  test("BUILDKIT_SYNTAX says the language instead of the file", () => {
    const text = "# syntax=example.org/other\nFROM a";
    expect(() => checkFrontend(text, "Dockerfile", undefined)).toThrow("example.org/other");
    expect(() => checkFrontend(text, "Dockerfile", "docker/dockerfile:1")).not.toThrow();
    expect(() => checkFrontend(text, "Dockerfile", "dockerfile.v0")).not.toThrow();
    expect(() => checkFrontend("FROM a", "Dockerfile", "example.org/third")).toThrow("example.org/third");
  });

  test("the escape character is not that of triggers and of here-documents", () => {
    const [trigger] = stages("# escape=`\nFROM a\nONBUILD COPY <<A /b\nA")[0]?.instructions ?? [];
    expect(trigger).toMatchObject({ kind: "onbuild" });
    expect(last('# escape=`\nFROM a\nCOPY <<"A\\"" /b\nA"').heredocs[0]).toMatchObject({ name: 'A"', expand: false });
  });
});

describe("here-documents", () => {
  test.each([
    ["carriage returns of a body stay, those of the end do not count", "FROM a\r\nRUN <<A\r\nb\r\nA\r\n", "b\r\n"],
    ["lines of # are content", "FROM a\nRUN <<A\n# b\nA", "# b\n"],
    ["the end is the whole line", "FROM a\nRUN <<A\n A\nA b\nA", " A\nA b\n"],
    ["with a dash tabs come off the end, spaces do not", "FROM a\nRUN <<-A\n\tb\n A\n\tA", "\tb\n A\n"],
    ["a part in quotes makes a quoted one", "FROM a\nCOPY <<eo'f' /b\n$c\neof", "$c\n"],
    ["a dollar in the word is literal", "FROM a\nCOPY <<$A /b\nc\n$A", "c\n"],
    ["a number before says the descriptor", "FROM a\nRUN cat 3<<A /dev/fd/3\nb\nA", "b\n"],
  ])("%s", (_name, text, expected) => {
    expect(body(text)).toBe(expected);
  });

  test("several of a line are read in order", () => {
    const { heredocs } = last("FROM a\nRUN <<A cat <<B\n1\nA\n2\nB");
    expect(heredocs.map(({ name, content }) => [name, content])).toEqual([
      ["A", "1\n"],
      ["B", "2\n"],
    ]);
  });

  test.each([
    ["of CMD", "FROM a\nCMD <<A"],
    ["of ENV", "FROM a\nENV b=<<A"],
    ["in quotes", 'FROM a\nRUN "<<A"'],
    ["in the exec form", 'FROM a\nRUN ["<<A"]'],
  ])("%s there are none", (_name, text) => {
    expect(last(text).heredocs).toEqual([]);
  });

  test("of a trigger they are kept with their end", () => {
    const [trigger] = stages("FROM a\nONBUILD RUN <<A\nb\nA\nCMD c")[0]?.instructions ?? [];
    expect(trigger).toMatchObject({ kind: "onbuild", trigger: "RUN <<A\nb\nA" });
  });
});

import { describe, expect, test } from "bun:test";
import { isErrorKind } from "#base";
import { hasReferenceData, referenceTable, referenceText } from "../testing/reference-data.ts";
import { detectDirective, parseDirectives } from "./directives.ts";
import { parseDockerfile } from "./dockerfile.ts";
import { parseHeredocWord, heredocsOfLine, heredocText } from "./heredoc.ts";
import { readInstruction } from "./instructions.ts";
import { parseTree } from "./node.ts";
import { parseExposedPorts } from "./ports.ts";
import { parseJsonArray, parseWords } from "./words.ts";

const one = (text: string) => {
  const [node] = parseTree(text).nodes;
  if (node === undefined) throw new Error("nothing parsed");
  return readInstruction(node);
};

describe("parseDockerfile()", () => {
  test.each([
    ["FROM a\n\nFOO b", "dockerfile parse error on line 3: unknown instruction: FOO (did you mean FROM?)"],
    ["FROM a\nRUM b", "dockerfile parse error on line 2: unknown instruction: RUM (did you mean RUN?)"],
    ["FROM a b", "dockerfile parse error on line 1: FROM requires either one or three arguments"],
    [
      "FROM a AS 1b",
      'dockerfile parse error on line 1: invalid name for build stage: "1b", name can\'t start with a number or contain symbols',
    ],
    ["RUN a", "dockerfile parse error on line 1: no build stage in current context"],
    ["# x\n", "dockerfile parse error on line 1: file with no instructions"],
    ["ARG a", "No image was generated. Is your Dockerfile empty?"],
    ["FROM a\nCOPY --frm=b c d", "dockerfile parse error on line 2: unknown flag: --frm (did you mean from?)"],
    ["FROM a\nCOPY --from=b --from=c d e", "dockerfile parse error on line 2: duplicate flag specified: from"],
    [
      "FROM a\nCMD [1]",
      "dockerfile parse error on line 2: when using JSON array syntax, arrays must be comprised of strings only",
    ],
    ["FROM a\nENV b", "dockerfile parse error on line 2: ENV must have two arguments"],
    [
      "FROM a\nENV a=b c",
      'dockerfile parse error on line 2: Syntax error - can\'t find = in "c". Must be of the form: name=value',
    ],
    ["FROM a\nSHELL sh", "dockerfile parse error on line 2: SHELL requires the arguments to be in JSON form"],
    [
      "FROM a\nHEALTHCHECK --interval=1us CMD x",
      'dockerfile parse error on line 2: Interval "interval" cannot be less than 1ms',
    ],
    ["FROM a\nHEALTHCHECK PING x", 'dockerfile parse error on line 2: Unknown type "PING" in HEALTHCHECK (try CMD)'],
    ["# escape=x\nFROM a", "dockerfile parse error on line 1: invalid escape token 'x' does not match ` or \\"],
    [
      "# escape=`\n# escape=`\nFROM a",
      "dockerfile parse error on line 2: only one escape parser directive can be used",
    ],
  ])("refuses %j", (text, message) => {
    let thrown: unknown;
    try {
      parseDockerfile(text);
    } catch (error) {
      thrown = error;
    }
    expect(isErrorKind(thrown, "invalid")).toBe(true);
    expect((thrown as Error).message).toBe(message);
  });

  test("names a Dockerfile that is called otherwise", () => {
    expect(() => parseDockerfile("FROM a\nFOO", "web/app.Dockerfile")).toThrow(
      "dockerfile parse error on line 2 of web/app.Dockerfile: unknown instruction: FOO",
    );
  });

  test("gathers stages and the ARGs before them", () => {
    const file = parseDockerfile("ARG V=1\nFROM a:$V AS One\nRUN x\nfrom --platform=linux/amd64 b\n");
    expect(file.globalArguments[0]?.entries).toEqual([{ name: "V", value: "1" }]);
    expect(file.stages.map((stage) => [stage.from.base, stage.from.name, stage.instructions.length])).toEqual([
      ["a:$V", "one", 1],
      ["b", undefined, 0],
    ]);
    expect(file.stages[1]?.from.platform).toBe("linux/amd64");
  });
});

describe("readInstruction()", () => {
  test("reads a health check", () => {
    expect(one("HEALTHCHECK --interval=5s --retries=3 CMD curl x")).toMatchObject({
      health: { Test: ["CMD-SHELL", "curl x"], Interval: 5e9, Retries: 3 },
    });
    expect(one('HEALTHCHECK CMD ["a", "b"]')).toMatchObject({ health: { Test: ["CMD", "a", "b"] } });
    expect(one("HEALTHCHECK none")).toMatchObject({ health: { Test: ["NONE"] } });
  });

  test("keeps an ONBUILD trigger with its here-document", () => {
    expect(one("onbuild  COPY <<A /x\nb\nA\n")).toMatchObject({ kind: "onbuild", trigger: "COPY <<A /x\nb\nA" });
  });

  test("separates COPY's paths from its here-documents", () => {
    expect(one("COPY <<A b /c/\nx\nA")).toMatchObject({
      sources: ["b"],
      files: [{ name: "A", content: "x\n" }],
      destination: "/c/",
    });
  });
});

describe("reference instruction cases", () => {
  test.each(
    referenceTable<{ name: string; dockerfile: string; expectedError: string }>("instructions/error-cases.json"),
  )("$name: $dockerfile", ({ dockerfile, expectedError }) => {
    expect(() => one(dockerfile)).toThrow(expectedError);
  });

  test.each(referenceTable<{ dockerfile: string; expectedError: string }>("heredoc/heredoc-errors.json"))(
    "$dockerfile",
    ({ dockerfile, expectedError }) => {
      expect(() => one(dockerfile)).toThrow(expectedError);
    },
  );

  test.each(
    referenceTable<{
      dockerfile: string;
      sourcesAndDest: {
        DestPath: string;
        SourcePaths?: string[];
        SourceContents?: { Path: string; Data: string; Expand: boolean }[];
      };
    }>("heredoc/copy-heredoc.json"),
  )("$dockerfile", ({ dockerfile, sourcesAndDest }) => {
    const copy = one(dockerfile);
    if (copy.kind !== "copy") throw new Error("no COPY");
    expect(copy.destination).toBe(sourcesAndDest.DestPath);
    expect(copy.sources).toEqual(sourcesAndDest.SourcePaths ?? []);
    expect(copy.files.map((file) => ({ Path: file.name, Data: heredocText(file), Expand: file.expand }))).toEqual(
      sourcesAndDest.SourceContents ?? [],
    );
  });

  test.each(
    referenceTable<{
      dockerfile: string;
      command: string[];
      shell: boolean;
      files?: { Name: string; Data: string; Chomp?: boolean }[];
    }>("heredoc/run-heredoc.json"),
  )("$dockerfile", ({ dockerfile, command, shell, files }) => {
    const run = one(dockerfile);
    if (run.kind !== "run") throw new Error("no RUN");
    expect(run.command.words).toEqual(command);
    expect(run.command.form).toBe(shell ? "shell" : "exec");
    expect(
      run.command.heredocs.map(({ name, content, chomp }) => ({
        Name: name,
        Data: content,
        ...(chomp ? { Chomp: true } : {}),
      })),
    ).toEqual(files ?? []);
  });

  test.each(referenceTable<{ line: string; heredocNames: string[] | null }>("heredoc/from-line.json"))(
    "$line",
    ({ line, heredocNames }) => {
      expect(heredocsOfLine(line).map((heredoc) => heredoc.name)).toEqual(heredocNames ?? []);
    },
  );

  test.skipIf(!hasReferenceData)("here-document words", () => {
    const forms = JSON.parse(referenceText("heredoc/word-forms.json")) as Record<string, string[]>;
    for (const word of forms["validHeredocs"] ?? []) expect(parseHeredocWord(word)?.name).toBe("EOF");
    for (const word of forms["invalidHeredocs"] ?? []) expect(() => parseHeredocWord(word)).toThrow();
    for (const word of forms["notHeredocs"] ?? []) expect(parseHeredocWord(word)).toBeUndefined();
  });

  test.each(referenceTable<{ specs: string[]; expected?: string[]; error?: string }>("instructions/expose-ports.json"))(
    "EXPOSE $specs",
    ({ specs, expected, error }) => {
      const parse = () => specs.flatMap(parseExposedPorts);
      if (error === undefined) expect(parse()).toEqual(expected ?? []);
      else expect(parse).toThrow(error);
    },
  );

  test.skipIf(!hasReferenceData)("JSON arrays", () => {
    const table = JSON.parse(referenceText("instructions/json-arrays.json")) as {
      invalid_must_error: string[];
      valid: Record<string, string[]>;
    };
    for (const text of table.invalid_must_error) expect(() => parseJsonArray(text)).toThrow();
    for (const [text, expected] of Object.entries(table.valid)) expect(parseJsonArray(text)).toEqual(expected);
  });

  test.each(referenceTable<{ input: string[]; expect: string[] }>("instructions/parse-words.json"))(
    "words of $input",
    (row) => {
      expect(row.input.flatMap((text) => parseWords(text, "\\"))).toEqual(row.expect);
    },
  );

  test.each(
    referenceTable<{
      fn: string;
      input: string;
      directives?: [string, string][];
      ref?: string;
      cmdline?: string;
      line?: number;
      found?: boolean;
    }>("instructions/directives.json"),
  )("directives $fn of $input", ({ fn, input, directives, ref, cmdline, line, found }) => {
    if (fn === "ParseAll") {
      const parsed = parseDirectives(input.split("\n"));
      for (const [key, value] of directives ?? []) expect(parsed[key as "escape"]).toBe(value as "\\");
      return;
    }
    const detected = detectDirective(input, fn as "syntax");
    if (found === false) expect(detected).toBeUndefined();
    else {
      expect(detected?.reference).toBe(ref ?? "");
      if (cmdline !== undefined) expect(detected?.value).toBe(cmdline);
      if (line !== undefined) expect(detected?.line).toBe(line);
    }
  });
});

import { describe, expect, test } from "bun:test";
import { parseIgnoreFile } from "#formats";
import type { ImageRecord } from "#images";
import { parseDockerfile } from "../parse/dockerfile.ts";
import { planBuild } from "../plan/plan.ts";
import { referenceTable } from "../testing/reference-data.ts";
import { createLinter, type Linter } from "./linter.ts";
import { parseCheckOptions } from "./options.ts";
import { ruleUrl, rules } from "./rules.ts";

const record: ImageRecord = {
  id: "sha256:aa",
  config: {
    os: "linux",
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    rootfs: { type: "layers", diff_ids: [] },
    config: { Env: ["PATH=/bin"] },
  },
  sizeBytes: 0,
  repoTags: ["busybox:latest"],
  repoDigests: [],
  lastTaggedMs: 0,
};

type Checked = { readonly findings: readonly string[]; readonly failure: string | undefined };

/** What the checks find in a Dockerfile: "line rule: message", by line. */
async function check(
  text: string,
  options: { readonly ignore?: string; readonly arguments?: Record<string, string>; readonly all?: boolean } = {},
): Promise<Checked> {
  let linter: Linter | undefined;
  let failure: string | undefined;
  const given = options.arguments ?? {};
  try {
    const dockerfile = parseDockerfile(text, "Dockerfile", (own) => {
      linter = createLinter("Dockerfile", parseCheckOptions(given["BUILDKIT_DOCKERFILE_CHECK"] ?? own ?? ""));
      return linter;
    });
    await planBuild(dockerfile, {
      dialect: "buildkit",
      arguments: given,
      labels: {},
      target: undefined,
      platform: undefined,
      findImage: async () => record,
      ignore: options.ignore === undefined ? undefined : parseIgnoreFile(options.ignore),
      allStages: options.all,
    });
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  const findings = (linter?.findings ?? []).map(
    (finding) => `${finding.source.startLine} ${finding.rule}: ${finding.message}`,
  );
  return { findings: findings.toSorted(byLine), failure };
}

function byLine(one: string, other: string): number {
  return Number.parseInt(one, 10) - Number.parseInt(other, 10) || (one < other ? -1 : 1);
}

describe("checks", () => {
  test.each([
    ["FROM scratch AS Base", "1 StageNameCasing: Stage name 'Base' should be lowercase"],
    ["FROM scratch as base", "1 FromAsCasing: 'as' and 'FROM' keywords' casing do not match"],
    ["FROM scratch\nCOPY a \\\n\n b", "4 NoEmptyContinuation: Empty continuation line"],
    [
      "FROM scratch\ncopy a b\nCOPY c d",
      "2 ConsistentInstructionCasing: Command 'copy' should match the case of the command majority (uppercase)",
    ],
    [
      "FROM scratch AS b\nFROM scratch AS b",
      '2 DuplicateStageName: Duplicate stage name "b", stage names should be unique',
    ],
    [
      "FROM scratch AS context",
      '1 ReservedStageName: Stage name should not use the same name as reserved stage "context"',
    ],
    [
      "FROM scratch\nCMD run",
      "2 JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals",
    ],
    [
      "FROM scratch\nMAINTAINER a@b",
      "2 MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label",
    ],
    ["FROM busybox:${version}x", "1 UndefinedArgInFrom: FROM argument 'version' is not declared"],
    [
      "FROM scratch\nWORKDIR a/",
      '2 WorkdirRelativePath: Relative workdir "a/" can have unexpected results if the base image changes',
    ],
    ["FROM busybox\nCOPY $foo .", "2 UndefinedVar: Usage of undefined variable '$foo'"],
    ["FROM busybox\nENV P=$PAHT", "2 UndefinedVar: Usage of undefined variable '$PAHT' (did you mean $PATH?)"],
    [
      'FROM scratch\nCMD ["a"]\nCMD ["b"]',
      "2 MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in the same stage because only the last one will be used",
    ],
    [
      "FROM scratch\nENV a b",
      '2 LegacyKeyValueFormat: "ENV key=value" should be used instead of legacy "ENV key value" format',
    ],
    [
      "FROM --platform=$TARGETPLATFORM scratch",
      "1 RedundantTargetPlatform: Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
    ],
    [
      "FROM scratch\nARG API_TOKEN",
      '2 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ARG "API_TOKEN")',
    ],
    [
      "FROM --platform=linux/amd64 scratch",
      '1 FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value "linux/amd64"',
    ],
    [
      "FROM scratch\nEXPOSE 80/TCP",
      "2 ExposeProtoCasing: Defined protocol '80/TCP' in EXPOSE instruction should be lowercase",
    ],
    [
      "FROM scratch\nEXPOSE 1:2",
      "2 ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '1:2'",
    ],
    [
      "# check=experimental=InvalidDefinitionDescription\n\n# no\nARG foo\nFROM scratch",
      "4 InvalidDefinitionDescription: Comment for ARG should follow the format: `# foo <description>`",
    ],
  ])("%j is told about", async (text, finding) => {
    expect((await check(text)).findings).toEqual([finding]);
  });

  test("a base that is none without --build-arg is told about", async () => {
    const { findings } = await check("ARG IMAGE\nFROM $IMAGE", { arguments: { IMAGE: "busybox" } });
    expect(findings).toEqual([
      "2 InvalidDefaultArgInFrom: Default value for ARG $IMAGE results in empty or invalid base image name",
    ]);
  });

  test("an ignored source is told about, unless there are exceptions", async () => {
    const text = "FROM scratch\nCOPY secret.txt /\nCOPY . /";
    expect((await check(text, { ignore: "*.txt" })).findings).toEqual([
      '2 CopyIgnoredFile: Attempting to Copy file "secret.txt" that is excluded by .dockerignore',
    ]);
    expect((await check(text, { ignore: "*.txt\n!a" })).findings).toEqual([]);
  });

  test.each([
    ["# check=skip=all\nFROM scratch as Base", []],
    ["# check=skip=StageNameCasing\nFROM scratch AS Base", []],
    ["FROM busybox\n# check=skip=UndefinedVar // it is meant so\nCOPY $a .", []],
  ])("%j is quiet", async (text, findings) => {
    expect((await check(text)).findings).toEqual(findings);
  });

  test("error=true makes a finding a failure, and nothing else", async () => {
    expect((await check("# check=error=true\nFROM scratch as a")).failure).toBe(
      "lint violation found for rules: FromAsCasing",
    );
    expect((await check("# check=error=true;skip=FromAsCasing\nFROM scratch as a")).failure).toBeUndefined();
  });

  test.each([
    ["skip", 'invalid check option "skip"'],
    ["sikp=all", 'invalid check option "sikp"'],
    ["error=perhaps", "perhaps is no boolean"],
  ])("the options %j are refused", (text, message) => {
    expect(() => parseCheckOptions(text)).toThrow(message);
  });

  test("findings before a syntax error are told", async () => {
    const { findings, failure } = await check("FROM scratch AS Base\nBADCMD");
    expect(findings).toEqual(["1 StageNameCasing: Stage name 'Base' should be lowercase"]);
    expect(failure).toContain("unknown instruction: BADCMD");
  });

  test("every rule has its page", () => {
    expect(ruleUrl("CopyIgnoredFile")).toBe("https://docs.docker.com/go/dockerfile/rule/copy-ignored-file/");
    expect(Object.keys(rules)).toHaveLength(22);
  });
});

type LintCase = {
  readonly test: string;
  readonly dockerfile: string;
  readonly warnings: readonly { readonly rule: string; readonly line: number; readonly detail: string }[];
  readonly dockerignore?: string;
  readonly opts?: Readonly<Record<string, unknown>>;
  readonly BuildErrLocation?: number;
};

describe("reference checks", () => {
  const cases = referenceTable<LintCase>("lint/cases.json")
    // These depend on a Windows image in a registry.
    .filter((row) => row.test !== "testBaseImagePlatformMismatch")
    .map((row, index) => [`${index} ${row.test}`, row] as const);
  test.each(cases)("%s", async (_name, row) => {
    const given = Object.entries(row.opts ?? {}).flatMap(([key, value]) =>
      key.startsWith("build-arg:") ? [[key.slice("build-arg:".length), String(value)] as const] : [],
    );
    const { findings, failure } = await check(row.dockerfile, {
      ...(row.dockerignore === undefined ? {} : { ignore: row.dockerignore }),
      arguments: Object.fromEntries(given),
    });
    const expected = row.warnings.map(
      // The hint of one case is computed in the test it comes from.
      ({ line, rule, detail }) => `${line} ${rule}: ${detail.replace("<hintStr>", " (did you mean $PATH?)")}`,
    );
    expect(findings).toEqual(expected.toSorted(byLine));
    // Where files are missing only the build itself fails, later.
    if (row.BuildErrLocation === undefined || row.dockerignore !== undefined) expect(failure).toBeUndefined();
    else expect(failure).toBeDefined();
  });
});

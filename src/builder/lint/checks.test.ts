import { describe, expect, test } from "bun:test";
import { parseIgnoreFile, type Platform } from "#formats";
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
  options: {
    readonly ignore?: string;
    readonly arguments?: Record<string, string>;
    readonly all?: boolean;
    readonly platform?: string;
    /** What the images are of. @default this machine's */
    readonly base?: Platform;
  } = {},
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
      platform: options.platform,
      findImage: async () => ({ ...record, config: { ...record.config, ...options.base } }),
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
    // FROM of mixed case is a matter of another rule.
    [
      "From scratch as x",
      ["1 ConsistentInstructionCasing: Command 'From' should match the case of the command majority (uppercase)"],
    ],
    // A tie is upper case, and mixed words have no vote.
    [
      "FROM scratch\ncopy a b",
      ["2 ConsistentInstructionCasing: Command 'copy' should match the case of the command majority (uppercase)"],
    ],
    [
      "FROM scratch\nCopy a b\nworkdir /a\nworkdir /b",
      [
        "1 ConsistentInstructionCasing: Command 'FROM' should match the case of the command majority (lowercase)",
        "2 ConsistentInstructionCasing: Command 'Copy' should match the case of the command majority (lowercase)",
      ],
    ],
    ['FROM scratch\nSHELL ["/s"]\nCMD run', []],
    ["FROM --platform=$BUILDPLATFORM busybox:$TARGETARCH", []],
    ["FROM busybox\nENV P=$PATH:/more", []],
    ["FROM scratch AS a\nWORKDIR /a\nFROM a\nWORKDIR b", []],
    ["FROM scratch\nENV MONKEY=1 API_KEY_FILE=2 PUBLIC_KEY=3 TOKENS=4", []],
    ["FROM --platform=linux/amd64 scratch AS for-amd64", []],
    ["FROM --platform=$TARGETPLATFORM/v8 scratch", []],
    [
      "# check=skip=stagenamecasing\nFROM scratch AS Base",
      ["2 StageNameCasing: Stage name 'Base' should be lowercase"],
    ],
    [
      "# check=skip=all;experimental=InvalidDefinitionDescription\n\n# no\nARG foo\nFROM scratch as x",
      ["4 InvalidDefinitionDescription: Comment for ARG should follow the format: `# foo <description>`"],
    ],
    ["# check=skip=all\n\n# no\nARG foo\nFROM scratch", []],
  ])("%j has its findings and no others", async (text, findings) => {
    expect((await check(text)).findings).toEqual(findings);
  });

  test("BUILDKIT_DOCKERFILE_CHECK says it instead of the file", async () => {
    const text = "# check=skip=all\nFROM scratch AS Base";
    const given = async (value: string) => check(text, { arguments: { BUILDKIT_DOCKERFILE_CHECK: value } });
    expect((await given("skip=FromAsCasing")).findings).toHaveLength(1);
    expect((await given("error=true")).failure).toContain("StageNameCasing");
  });

  test("a base for another platform is told about", async () => {
    const base = { os: "windows", architecture: "amd64", "os.version": "10.0.1" };
    expect((await check("FROM busybox", { platform: "linux/amd64", base })).findings).toEqual([
      '1 InvalidBaseImagePlatform: Base image busybox was pulled with platform "windows(10.0.1)/amd64", expected "linux/amd64" for current build',
    ]);
  });

  test("without a target a check looks at all stages", async () => {
    const text = "FROM scratch AS one\nCOPY $none /\nFROM scratch";
    expect((await check(text)).findings).toEqual([]);
    expect((await check(text, { all: true })).findings).toHaveLength(1);
  });

  test("an ignored source is told about for . when everything is ignored", async () => {
    for (const ignore of ["*", "**", "**/*"])
      expect((await check("FROM scratch\nCOPY . /", { ignore })).findings).toHaveLength(1);
    expect((await check("FROM scratch\nCOPY . /", { ignore: "*.txt" })).findings).toEqual([]);
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
  readonly StreamBuildErrRegexp?: string;
};

describe("reference checks", () => {
  const cases = referenceTable<LintCase>("lint/cases.json")
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

  // Upstream pulls a Windows image for these.
  const mismatches = referenceTable<LintCase>("lint/cases.json").filter(
    (row) => row.test === "testBaseImagePlatformMismatch",
  );
  test.each(mismatches.map((row, index) => [index, row] as const))(
    "base of another platform %i",
    async (_index, row) => {
      const base = { os: "windows", architecture: "amd64", "os.version": "10.0.20348.2113" };
      const text = row.warnings.length > 0 ? row.dockerfile : `# check=error=true${row.dockerfile}`;
      const { findings } = await check(text, { platform: "linux/amd64", base });
      const told = row.StreamBuildErrRegexp ?? `InvalidBaseImagePlatform: ${row.warnings[0]?.detail ?? ""}`;
      // Names of Go's variables stand for what the test fills in.
      const pattern = told
        .replaceAll(/<(?:target|regexp.QuoteMeta)>/g, "busybox")
        .replaceAll(/\["ident", "targetPlatform"\]/g, "windows(10.0.20348.2113)/amd64")
        .replaceAll(/\["ident", "expectedCurrentPlatform"\]|<expectedCurrentPlatform>/g, "linux/amd64")
        .replace(/ \\\(line 2\\\)$/, "");
      expect(findings).toHaveLength(1);
      const finding = findings[0] ?? "";
      expect(finding).toStartWith("2 ");
      if (row.StreamBuildErrRegexp === undefined)
        expect(finding.slice(2).replaceAll('"', "")).toBe(pattern.replaceAll('"', ""));
      else expect(finding).toMatch(new RegExp(pattern));
    },
  );
});

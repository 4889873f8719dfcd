import { describe, expect, test } from "bun:test";
import { digestOf } from "#base";
import type { ContainerConfig, Platform } from "#formats";
import type { ImageRecord } from "#images";
import { parseDockerfile } from "../parse/dockerfile.ts";
import type { PlannedStep } from "./operation.ts";
import { planBuild } from "./plan.ts";
import { parsePlatform } from "./platform.ts";
import type { PlanOptions } from "./stage-plan.ts";

/* The rows of docs/dockerfile-features.md about variables, arguments, stages and configs, in BuildKit's dialect. */

const imageOf = (name: string, config: ContainerConfig = {}, platform = parsePlatform("linux/amd64")): ImageRecord => ({
  id: digestOf(name),
  config: { ...platform, config, rootfs: { type: "layers", diff_ids: [digestOf(`${name} l`)] } },
  sizeBytes: 0,
  repoTags: [name],
  repoDigests: [],
  lastTaggedMs: 0,
});

const plan = (text: string, options: Partial<PlanOptions> = {}, base: ContainerConfig = {}) =>
  planBuild(parseDockerfile(text), {
    dialect: "buildkit",
    arguments: {},
    labels: {},
    target: undefined,
    platform: "linux/amd64",
    findImage: async (reference, platform) => imageOf(reference, base, platform),
    ...options,
  });

const stepsOf = async (...given: Parameters<typeof plan>): Promise<readonly PlannedStep[]> => {
  const { stages, target } = await plan(...given);
  return stages.find(({ index }) => index === target)?.steps ?? [];
};

/** The config of the target. */
const configOf = async (...given: Parameters<typeof plan>): Promise<ContainerConfig> => {
  const { stages, target } = await plan(...given);
  const stage = stages.find(({ index }) => index === target);
  return stage?.steps.at(-1)?.config ?? stage?.initialConfig ?? {};
};

const variable = async (name: string, ...given: Parameters<typeof plan>): Promise<string | undefined> =>
  (await configOf(...given)).Env?.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);

const lastRun = async (...given: Parameters<typeof plan>) => {
  const operation = (await stepsOf(...given)).findLast((step) => step.operation?.kind === "run")?.operation;
  if (operation?.kind !== "run") throw new Error("no RUN");
  return operation;
};

const historyOf = async (...given: Parameters<typeof plan>) =>
  (await stepsOf(...given)).flatMap(({ createdBy }) => createdBy ?? []);

const failureOf = async (...given: Parameters<typeof plan>): Promise<string> => {
  try {
    await plan(...given);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
};

describe("variables", () => {
  test.each([
    ["a value with spaces stays one word", 'FROM a\nARG v="x y"\nENV r=$v', "x y"],
    ["keys of ENV are expanded", "FROM a\nARG v=r\nENV $v=1", "1"],
    ["quotes of the old form are processed", 'FROM a\nENV r a "b"', "a b"],
    ["a variable that is not there is empty", "FROM a\nENV r=[$none]", "[]"],
    ["$1 in a replacement is no reference", "FROM a\nENV v=abc\nENV r=${v/b/$1x}", "axc"],
    ["a modifier's word is expanded in turn", "FROM a\nARG d=1\nENV r=${n:-${d}2}", "12"],
  ])("%s", async (_name, text, expected) => {
    expect(await variable("r", text)).toBe(expected);
  });

  test("keys of LABEL are expanded, those of ARG are not", async () => {
    expect((await configOf("FROM a\nARG k=x\nLABEL $k=1 y=$k")).Labels).toEqual({ x: "1", y: "x" });
    expect(await variable("r", "FROM a\nARG k=x\nARG $k=1\nENV r=[$x]")).toBe("[]");
  });

  test.each([
    ["CMD", "CMD echo $v", (config: ContainerConfig) => config.Cmd],
    ["ENTRYPOINT", "ENTRYPOINT echo $v", (config: ContainerConfig) => config.Entrypoint],
    ["HEALTHCHECK", "HEALTHCHECK CMD echo $v", (config: ContainerConfig) => config.Healthcheck?.Test],
    ["ONBUILD", "ONBUILD RUN echo $v", (config: ContainerConfig) => config.OnBuild],
  ] as const)("%s is not expanded", async (_name, line, read) => {
    expect(JSON.stringify(read(await configOf(`FROM a\nENV v=1\n${line}`)))).toContain("$v");
  });

  test("RUN, SHELL, MAINTAINER and --exclude are not expanded", async () => {
    expect((await lastRun("FROM a\nENV v=1\nRUN echo $v")).args.join(" ")).toContain("$v");
    expect((await configOf('FROM a\nENV v=1\nSHELL ["$v"]')).Shell).toEqual(["$v"]);
    expect((await stepsOf("FROM a\nENV v=1\nMAINTAINER $v")).at(-1)?.author).toBe("$v");
    const copy = (await stepsOf("FROM a\nENV v=1\nCOPY --exclude=$v b /c")).at(-1)?.operation;
    expect(copy?.kind === "copy" ? copy.excludes : undefined).toEqual(["$v"]);
  });

  test.each([
    ["USER", "USER $v", (config: ContainerConfig) => config.User],
    ["STOPSIGNAL", "STOPSIGNAL $v", (config: ContainerConfig) => config.StopSignal],
    ["VOLUME", "VOLUME $v", (config: ContainerConfig) => Object.keys(config.Volumes ?? {})[0]],
    ["WORKDIR", "WORKDIR $v", (config: ContainerConfig) => config.WorkingDir?.slice(1)],
    ["LABEL", "LABEL x=$v", (config: ContainerConfig) => config.Labels?.["x"]],
  ] as const)("%s is expanded", async (_name, line, read) => {
    expect(read(await configOf(`FROM a\nENV v=9\n${line}`))).toBe("9");
  });

  test("EXPOSE alone makes several words of one value", async () => {
    const { ExposedPorts } = await configOf('FROM a\nENV p="80 90-91/UDP"\nEXPOSE $p 7:8');
    expect(Object.keys(ExposedPorts ?? {})).toEqual(["80/tcp", "90/udp", "91/udp", "8/tcp"].sort());
  });

  test("another escape character holds in words", async () => {
    expect(await variable("r", "# escape=`\nFROM a\nENV v=1\nENV r=`$v\\x")).toBe("$v\\x");
  });

  test("triggers are read with the usual escape character", async () => {
    // Read with it, expanded with the Dockerfile's: as BuildKit's dispatchOnBuild does.
    expect(await variable("r", "# escape=`\nFROM a\nLABEL x=1", {}, { OnBuild: ["ENV r=a\\ b"] })).toBe("a\\ b");
  });
});

describe("arguments", () => {
  test("without a value one is no variable of RUN, with an empty one it is", async () => {
    expect(
      (await lastRun("FROM a\nARG b\nARG c=\nRUN d")).environment.filter((entry) => /^[bc](=|$)/.test(entry)),
    ).toEqual(["c="]);
  });

  test("the last writer wins for RUN, the config keeps ENV's", async () => {
    const text = "FROM a\nENV v=env\nARG v=arg\nRUN b";
    expect((await lastRun(text)).environment).toContain("v=arg");
    expect(await variable("v", text)).toBe("env");
    expect((await lastRun("FROM a\nARG v=arg\nENV v=env\nRUN b")).environment).toContain("v=env");
  });

  test("one without a value takes none away", async () => {
    expect(await variable("r", "FROM a\nARG v=1\nARG v\nENV r=$v")).toBe("1");
    expect(await variable("r", "ARG v=0\nFROM a\nARG v=1\nARG v\nENV r=$v")).toBe("0");
    expect(await variable("r", "FROM a AS b\nARG v=1\nFROM b\nARG v\nENV r=$v")).toBe("1");
  });

  test("one of before FROM is seen by FROM, and by a stage that declares it", async () => {
    const asked: string[] = [];
    const findImage = async (reference: string) => {
      asked.push(reference);
      return imageOf(reference);
    };
    const text = "ARG n=web t=1\nFROM $n:${t:+x}\nENV r=[$n]\nARG n\nENV s=$n";
    expect((await configOf(text, { findImage })).Env?.slice(-2)).toEqual(["r=[]", "s=web"]);
    expect(asked).toEqual(["web:x"]);
  });

  test("COPY --from inherits none", async () => {
    expect(await variable("r", "FROM a AS b\nARG v=1\nFROM a\nCOPY --from=b /x /x\nENV r=[$v]")).toBe("[]");
  });

  test("history shows all of them before a RUN, the later of a name in its place", async () => {
    const lines = await historyOf("FROM a\nARG x=1 y=2\nARG x=3\nRUN b");
    expect(lines.at(-1)).toBe("RUN |2 x=3 y=2 /bin/sh -c b # buildkit");
  });

  test("proxies need no ARG, under both names, and are in no history", async () => {
    const given = { http_proxy: "http://p", ALL_PROXY: "socks://q" };
    const run = await lastRun("FROM a\nRUN b", { arguments: given });
    const names = run.environment.map((entry) => entry.split("=")[0]);
    for (const name of ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]) expect(names).toContain(name);
    expect((await historyOf("FROM a\nRUN b", { arguments: given })).at(-1)).toBe("RUN /bin/sh -c b # buildkit");
    expect((await historyOf("FROM a\nARG http_proxy\nRUN b", { arguments: given })).at(-1)).toContain(
      "http_proxy=http://p",
    );
  });

  test("one that nobody takes is no failure", async () => {
    expect(await failureOf("FROM a", { arguments: { NOBODY: "1" } })).toBe("");
  });

  test.each([
    ["BUILDPLATFORM", "linux/"],
    ["BUILDOS", "linux"],
    ["BUILDARCH", process.arch === "x64" ? "amd64" : "arm64"],
    ["TARGETPLATFORM", "linux/arm/v7"],
    ["TARGETOS", "linux"],
    ["TARGETARCH", "arm"],
    ["TARGETVARIANT", "v7"],
    ["TARGETSTAGE", "default"],
    ["BUILDOSVERSION", ""],
    ["TARGETOSVERSION", ""],
  ])("%s is known before FROM, and in a stage that declares it", async (name, value) => {
    const options = { platform: "linux/arm" };
    expect(await variable("r", `FROM a\nENV r=[$${name}]`, options)).toBe("[]");
    expect(await variable("r", `FROM a\nARG ${name}\nENV r=$${name}`, options)).toStartWith(value);
    const given = { ...options, arguments: { [name]: name.endsWith("PLATFORM") ? "linux/s390x" : "given" } };
    expect(await variable("r", `FROM a\nARG ${name}\nENV r=$${name}`, given)).toBe(given.arguments[name]);
    expect(await variable("s", `ARG g=x$${name}\nFROM a\nARG g\nENV s=$g`, options)).toStartWith(`x${value}`);
  });

  test("arm64's usual variant is none", async () => {
    const text = "FROM a\nARG TARGETPLATFORM TARGETVARIANT\nENV r=$TARGETPLATFORM[$TARGETVARIANT]";
    expect(await variable("r", text, { platform: "linux/arm64/v8" })).toBe("linux/arm64[]");
  });

  test("SOURCE_DATE_EPOCH: empty is none, and no number is refused", async () => {
    expect((await plan("FROM a", { arguments: { SOURCE_DATE_EPOCH: "" } })).epoch).toBeUndefined();
    expect((await plan("FROM a", { arguments: { SOURCE_DATE_EPOCH: "7" } })).epoch).toBe(7);
    expect(await failureOf("FROM a", { arguments: { SOURCE_DATE_EPOCH: "soon" } })).toContain("number of seconds");
  });

  test("BUILDKIT_SANDBOX_HOSTNAME is the name of RUN's host, and no argument", async () => {
    const run = await lastRun("FROM a\nRUN b", { arguments: { BUILDKIT_SANDBOX_HOSTNAME: "here" } });
    expect(run.hostname).toBe("here");
    expect((await lastRun("FROM a\nRUN b")).hostname).toBeUndefined();
  });

  test("BUILDKIT_DOCKERFILE_CHECK and the others of BuildKit reach no RUN", async () => {
    const given = {
      BUILDKIT_CACHE_MOUNT_NS: "n",
      BUILDKIT_DOCKERFILE_CHECK: "skip=all",
      BUILDKIT_SBOM_SCAN_STAGE: "true",
    };
    const { environment } = await lastRun("FROM a\nARG BUILDKIT_SBOM_SCAN_STAGE=true\nRUN b", { arguments: given });
    expect(environment.filter((entry) => entry.startsWith("BUILDKIT_"))).toEqual([]);
  });
});

describe("BUILDKIT_SBOM_SCAN_STAGE", () => {
  const listed = async (...given: Parameters<typeof plan>) =>
    (await plan(...given)).stages.flatMap(({ name, isListed }) => (isListed ? [name ?? "last"] : []));
  const text = "FROM a AS one\nFROM a AS two\nFROM a\nCOPY --from=one / /\nCOPY --from=two / /";

  test.each([
    ["of the command line, for all", text, { BUILDKIT_SBOM_SCAN_STAGE: "true" }, ["one", "two", "last"]],
    ["of the command line, by name", text, { BUILDKIT_SBOM_SCAN_STAGE: "two,none" }, ["two"]],
    ["before the first FROM", `ARG BUILDKIT_SBOM_SCAN_STAGE=1\n${text}`, {}, ["one", "two", "last"]],
    ["in a stage", text.replace("one\n", "one\nARG BUILDKIT_SBOM_SCAN_STAGE=true\n"), {}, ["one"]],
    ["nowhere", text, {}, []],
  ] as const)("%s", async (_name, dockerfile, given, expected) => {
    expect(await listed(dockerfile, { arguments: given })).toEqual([...expected]);
  });
});

describe("ENV", () => {
  test("a name that is there is replaced in its place; PATH is added when the base has none", async () => {
    expect((await configOf("FROM a\nENV x=3 z=4", {}, { Env: ["PATH=/b", "x=1", "y=2"] })).Env).toEqual([
      "PATH=/b",
      "x=3",
      "y=2",
      "z=4",
    ]);
    expect(await variable("PATH", "FROM scratch\nENV x=1")).toBe(
      "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    );
  });
});

describe("stages", () => {
  test("a stage on a stage takes its config: variables, user, directory, shell, check", async () => {
    const text = [
      "FROM a AS Base",
      "ENV v=1",
      "USER u",
      "WORKDIR /w",
      'SHELL ["/s"]',
      "HEALTHCHECK CMD c",
      "ARG arg=2",
      "FROM base",
      "ENV r=$v$arg",
      "CMD x",
    ].join("\n");
    expect(await configOf(text)).toMatchObject({
      User: "u",
      WorkingDir: "/w",
      Shell: ["/s"],
      Cmd: ["/s", "x"],
      Healthcheck: { Test: ["CMD-SHELL", "c"] },
    });
    expect(await variable("r", text)).toBe("12");
  });

  test("COPY --from brings neither labels nor variables", async () => {
    const config = await configOf("FROM a AS b\nLABEL x=1\nENV v=1\nFROM a\nCOPY --from=b /x /x");
    expect([config.Labels ?? {}, config.Env?.some((entry) => entry.startsWith("v="))]).toEqual([{}, false]);
  });

  test("of two stages of a name the last one before counts", async () => {
    expect(await variable("r", "FROM a AS s\nENV r=1\nFROM a AS s\nENV r=2\nFROM s\nLABEL x=1")).toBe("2");
  });

  test("a later stage is no base", async () => {
    const asked: string[] = [];
    await plan("FROM s\nFROM a AS s\nFROM a", {
      target: "s",
      findImage: async (reference) => {
        asked.push(reference);
        return imageOf(reference);
      },
    });
    expect(asked).toEqual(["a"]);
  });

  test("scratch is exact; a stage of that name takes its place", async () => {
    expect(await failureOf("FROM Scratch", { findImage: () => Promise.reject(new Error("asked for")) })).toContain(
      "asked for",
    );
    expect(await variable("r", "FROM a AS scratch\nENV r=1\nFROM scratch\nLABEL x=1")).toBe("1");
    expect((await configOf("FROM scratch\nLABEL x=1")).WorkingDir).toBe("/");
  });

  test("syntax errors of a stage that nobody needs count, its images do not", async () => {
    expect(() => parseDockerfile("FROM a AS unused\nWAT\nFROM b")).toThrow("unknown instruction: WAT");
    const findImage = async (reference: string) => {
      if (reference === "unused") throw new Error("asked for");
      return imageOf(reference);
    };
    expect(await failureOf("FROM unused AS x\nFROM b", { findImage })).toBe("");
    expect(await failureOf("FROM unused AS x\nFROM b", { findImage, allStages: true })).toContain("asked for");
  });

  test("a target is found in any case, and not by number", async () => {
    expect(await variable("r", "FROM a AS One\nENV r=1\nFROM a", { target: "oNE" })).toBe("1");
    expect(await failureOf("FROM a AS one\nFROM a", { target: "0" })).toContain('target stage "0" could not be found');
  });

  test("--platform knows only what stands before the first FROM; nothing is refused", async () => {
    const wanted: (string | undefined)[] = [];
    const findImage = async (reference: string, platform?: Platform) => {
      wanted.push(platform?.architecture);
      return imageOf(reference, {}, platform);
    };
    await plan("ARG p=linux/s390x\nFROM --platform=$p a", { findImage });
    expect(wanted).toEqual(["s390x"]);
    expect(await failureOf("FROM a AS b\nARG p=linux/s390x\nFROM --platform=$p a", { findImage })).toMatch(/platform/);
  });

  test("a stage on a stage has that one's platform, whatever it says", async () => {
    const { platform } = await plan("FROM --platform=linux/s390x a AS b\nFROM --platform=linux/arm64 b");
    expect(platform.architecture).toBe("s390x");
  });

  test("a name and a digest together: the digest counts, and both are asked for", async () => {
    const asked: string[] = [];
    const digest = `sha256:${"1".repeat(64)}`;
    await plan(`FROM a:1@${digest}`, {
      findImage: async (reference) => {
        asked.push(reference);
        return imageOf(reference);
      },
    });
    expect(asked).toEqual([`a:1@${digest}`]);
  });

  test.each([
    [
      "stages that copy from each other",
      "FROM a AS x\nRUN --mount=from=y,target=/m b\nFROM a AS y\nCOPY --from=x / /",
      "circular dependency detected on stage",
    ],
    ["a number out of range", "FROM a\nCOPY --from=5 / /", "invalid from flag value 5"],
    ["a variable in --from", "FROM a\nARG s=x\nCOPY --from=$s / /", "variable expansion is not supported for --from"],
    ["a base without a name", "FROM $none", "base name ($none) should not be blank"],
  ])("%s: refused", async (_name, text, message) => {
    expect(await failureOf(text)).toContain(message);
  });
});

describe("the config", () => {
  test.each([
    ["the last CMD wins", 'FROM a\nCMD ["x"]\nCMD ["y"]', { Cmd: ["y"] }],
    [
      "a shell form takes SHELL as it is then",
      'FROM a\nCMD x\nSHELL ["/b"]',
      { Cmd: ["/bin/sh", "-c", "x"], ArgsEscaped: true },
    ],
    ["an empty ENTRYPOINT resets", "FROM a\nENTRYPOINT []", { Entrypoint: null }],
    [
      "a check is not wrapped in SHELL",
      'FROM a\nSHELL ["/b"]\nHEALTHCHECK CMD x',
      { Healthcheck: { Test: ["CMD-SHELL", "x"] } },
    ],
    ["a check in exec form", 'FROM a\nHEALTHCHECK CMD ["x"]', { Healthcheck: { Test: ["CMD", "x"] } }],
    ["no check", "FROM a\nHEALTHCHECK NONE", { Healthcheck: { Test: ["NONE"] } }],
    [
      "times of a check are nanoseconds, 0 is inherited",
      "FROM a\nHEALTHCHECK --interval=1m --timeout=0s --start-period=5s --start-interval=2s --retries=0 CMD x",
      { Healthcheck: { Test: ["CMD-SHELL", "x"], Interval: 6e10, StartPeriod: 5e9, StartInterval: 2e9 } },
    ],
    ["volumes in both forms", 'FROM a\nVOLUME /x /y\nVOLUME ["/z w"]', { Volumes: { "/x": {}, "/y": {}, "/z w": {} } }],
    ["a signal by name or number", "FROM a\nSTOPSIGNAL SIGUSR1\nSTOPSIGNAL 9", { StopSignal: "9" }],
    ["a directory below that of the base", "FROM a\nWORKDIR x/", { WorkingDir: "/base/x" }],
    ["triggers are kept as texts", "FROM a\nONBUILD RUN x\nONBUILD COPY . /y", { OnBuild: ["RUN x", "COPY . /y"] }],
  ] as const)("%s", async (_name, text, expected) => {
    expect(await configOf(text, {}, { WorkingDir: "/base", Entrypoint: ["of the base"] })).toMatchObject(expected);
  });

  test("labels: later ones win, inherited ones stay, the request's come last", async () => {
    const base = { Labels: { a: "0", b: "0", c: "0" } };
    expect(
      (await configOf("FROM x\nLABEL a=1 b=1\nLABEL a=2\nLABEL old form", { labels: { b: "$3" } }, base)).Labels,
    ).toEqual({ a: "2", b: "$3", c: "0", old: "form" });
  });

  test("triggers run once: they are gone from the child, and from the stage that continues", async () => {
    expect((await configOf("FROM a\nCMD x", {}, { OnBuild: ["ENV r=1"] })).OnBuild ?? []).toEqual([]);
    expect(await variable("r", "FROM a\nCMD x", {}, { OnBuild: ["ENV r=1"] })).toBe("1");
  });

  test("triggers with a here-document and with --from are planned in the child", async () => {
    const base = { OnBuild: ["COPY <<A /x\nb\nA", "COPY --from=tool /y /y"] };
    const asked: string[] = [];
    const made = await stepsOf("FROM a", {
      findImage: async (reference) => {
        asked.push(reference);
        return imageOf(reference, reference === "a" ? base : {});
      },
    });
    expect(made.flatMap(({ operation }) => (operation?.kind === "copy" ? operation.destination : []))).toEqual([
      "/x",
      "/y",
    ]);
    expect(asked.sort()).toEqual(["a", "tool"]);
  });

  test("history has a line for each instruction, none for triggers; WORKDIR / makes no layer", async () => {
    const made = await stepsOf(
      "FROM a\nLABEL x=1\nWORKDIR /\nWORKDIR /w\nCOPY b /b\nADD c /c\nRUN d\nONBUILD RUN e\nUSER f",
    );
    expect(made.map(({ createdBy, operation }) => [createdBy, operation === undefined])).toEqual([
      ["LABEL x=1", true],
      ["WORKDIR /", true],
      ["WORKDIR /w", false],
      ["COPY b /b # buildkit", false],
      ["ADD c /c # buildkit", false],
      ["RUN /bin/sh -c d # buildkit", false],
      [undefined, true],
      ["USER f", true],
    ]);
  });
});

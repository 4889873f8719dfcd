import { describe, expect, test } from "bun:test";
import { digestOf } from "#base";
import type { ContainerConfig } from "#formats";
import type { ImageRecord } from "#images";
import { parseDockerfile } from "../parse/dockerfile.ts";
import { quotedHealth } from "./history.ts";
import { planBuild } from "./plan.ts";
import type { PlanOptions } from "./stage-plan.ts";
import { formatPlatform, parsePlatform } from "./platform.ts";

function imageOf(name: string, config: ContainerConfig = {}): ImageRecord {
  return {
    id: digestOf(name),
    config: {
      os: "linux",
      architecture: "amd64",
      config,
      rootfs: { type: "layers", diff_ids: [digestOf(`${name} layer`)] },
    },
    sizeBytes: 0,
    repoTags: [name],
    repoDigests: [],
    lastTaggedMs: 0,
  };
}

function plan(text: string, options: Partial<PlanOptions> = {}, config: ContainerConfig = {}) {
  return planBuild(parseDockerfile(text), {
    arguments: {},
    labels: {},
    target: undefined,
    platform: "linux/amd64",
    findImage: async (reference) => imageOf(reference, config),
    ...options,
  });
}

const lastConfig = async (text: string, options: Partial<PlanOptions> = {}, base: ContainerConfig = {}) => {
  const made = await plan(text, options, base);
  const stage = made.stages.at(-1);
  return stage?.steps.at(-1)?.config ?? stage?.initialConfig;
};

describe("planBuild()", () => {
  test("looks only at stages the target needs", async () => {
    const asked: string[] = [];
    const made = await plan("FROM a AS one\nFROM b AS two\nRUN x\nFROM c\nCOPY --from=one / /\n", {
      findImage: async (reference) => {
        asked.push(reference);
        return imageOf(reference);
      },
    });
    expect(asked.sort()).toEqual(["a", "c"]);
    expect(made.stages.map((stage) => [stage.index, stage.needs])).toEqual([
      [0, []],
      [2, [0]],
    ]);
    expect(made.totalSteps).toBe(3);
  });

  test("expands with the values from before the instruction", async () => {
    expect((await lastConfig("FROM a\nENV x=1\nENV x=2 y=$x"))?.Env).toContain("y=1");
  });

  test.each([
    ["ARG V=1\nFROM a\nENV x=${V:-unset}", {}, "x=unset"],
    ["ARG V=1\nFROM a\nARG V\nENV x=$V", {}, "x=1"],
    ["ARG V=1\nFROM a\nARG V=2\nENV x=$V", {}, "x=2"],
    ["ARG V=1\nFROM a\nARG V=2\nENV x=$V", { V: "3" }, "x=3"],
    ["FROM a\nARG V=${MISSING:?not evaluated}\nENV x=$V", { V: "3" }, "x=3"],
    ["FROM a AS b\nARG V=inherited\nFROM b\nENV x=$V", {}, "x=inherited"],
    ["FROM a\nARG TARGETPLATFORM\nARG TARGETARCH\nENV x=$TARGETPLATFORM-$TARGETARCH", {}, "x=linux/amd64-amd64"],
    ["FROM a\nENV V=env\nARG V=arg\nENV x=$V", {}, "x=env"],
  ] as const)("%j with %j gives %s", async (text, given, expected) => {
    expect((await lastConfig(text, { arguments: given }))?.Env).toContain(expected);
  });

  test("ENTRYPOINT drops an inherited CMD but not one of its own stage", async () => {
    expect((await lastConfig('FROM a\nENTRYPOINT ["x"]', {}, { Cmd: ["sh"] }))?.Cmd).toBeNull();
    expect((await lastConfig('FROM a\nCMD ["y"]\nENTRYPOINT ["x"]'))?.Cmd).toEqual(["y"]);
  });

  test("SHELL wraps shell forms", async () => {
    expect((await lastConfig('FROM a\nSHELL ["/bin/bash", "-c"]\nCMD x'))?.Cmd).toEqual(["/bin/bash", "-c", "x"]);
  });

  test.each([
    ["FROM a\nCOPY x .", "/"],
    ["FROM a\nWORKDIR /w\nCOPY x .", "/w/"],
    ["FROM a\nWORKDIR /w\nCOPY x sub", "/w/sub"],
    ["FROM a\nWORKDIR /w\nCOPY x ../up/", "/up/"],
    ["FROM a\nCOPY x /a/../b", "/b"],
    ["FROM a\nENV d=/dir\nCOPY x $d/", "/dir/"],
  ])("%j copies to %s", async (text, destination) => {
    const operation = (await plan(text)).stages[0]?.steps.at(-1)?.operation;
    expect(operation?.kind === "copy" ? operation.destination : undefined).toBe(destination);
  });

  test("labels of the request come last", async () => {
    expect((await lastConfig("FROM a\nLABEL k=file o=1", { labels: { k: "given" } }))?.Labels).toEqual({
      k: "given",
      o: "1",
    });
  });

  test.each([
    ["FROM $NOTHING", "Dockerfile:1: base name ($NOTHING) should not be blank"],
    ["FROM a\nCOPY --from=0 x y", "Dockerfile:2: invalid from flag value 0: refers to current build stage"],
    [
      "FROM a\nCOPY --chmod=99 x y",
      "Dockerfile:2: invalid chmod parameter: '99'. it should be octal string and between 0 and 07777",
    ],
    ["FROM a\nWORKDIR $NOTHING", "Dockerfile:2: cannot normalize nothing"],
    ["FROM a\nEXPOSE x", 'Dockerfile:2: invalid port: "x": invalid port or range: x'],
  ])("refuses %j", async (text, message) => {
    const failure = await plan(text).then(
      () => "",
      (error: unknown) => (error as Error).message,
    );
    expect(failure).toBe(message);
  });
});

test("parsePlatform() normalises", () => {
  const forms = ["linux/amd64", "amd64", "linux/x86_64", "linux/arm", "linux/arm64/v8", "linux/arm/v6"];
  expect(forms.map((form) => formatPlatform(parsePlatform(form)))).toEqual([
    "linux/amd64",
    "linux/amd64",
    "linux/amd64",
    "linux/arm/v7",
    "linux/arm64",
    "linux/arm/v6",
  ]);
  expect(() => parsePlatform("a/b/c/d")).toThrow("invalid platform");
});

test("quotedHealth() is Go's %q of the struct", () => {
  const health = { Test: ["CMD-SHELL", "curl x"], Interval: 300e9, Timeout: 3e9, Retries: 3 };
  expect(quotedHealth(health)).toBe(`&{["CMD-SHELL" "curl x"] "5m0s" "3s" "0s" "0s" '\\x03'}`);
});

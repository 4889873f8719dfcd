import { beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CommandResult, runCommand } from "../engines/command.ts";
import { berthBinary } from "../engines/engine.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

/** The same words to `berth` and to `docker`, on one daemon, must give the same output and exit code. */
const daemon = useDaemon();
const box = uniqueName("box");
const ended = uniqueName("ended");

const both = async (words: readonly string[], input?: string): Promise<readonly [CommandResult, CommandResult]> => {
  const options = { environment: daemon.environment, ...(input === undefined ? {} : { input }) };
  return [await runCommand(["docker", ...words], options), await runCommand([berthBinary, ...words], options)];
};

/** The two commands do not run in the same second. */
const withoutAges = (text: string) =>
  text.replaceAll(/(\d+|Less than a|About a) seconds?/g, "N seconds").replaceAll(/ +/g, " ");

beforeAll(async () => {
  await daemon.ok(
    "run",
    "-d",
    "--name",
    box,
    "-p",
    "127.0.0.1::80",
    "-l",
    "a=b",
    "-m",
    "64m",
    "busybox",
    "sleep",
    "10000",
  );
  await daemon.cli(["run", "--name", ended, "busybox", "sh", "-c", "echo out; echo err >&2; exit 3"]);
});

describe.skipIf(targetIsDockerd)("berth prints what docker prints", () => {
  test.each<[string[]]>([
    [["ps", "--no-trunc"]],
    [["ps", "-a", "--format", "{{.ID}} {{.Names}} {{.Image}} {{.Command}} {{.State}} {{.Ports}}"]],
    [["ps", "-aq"]],
    [["ps", "-a", "--filter", "exited=3", "--format", "json"]],
    [["images"]],
    [["images", "-q"]],
    [["images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}}"]],
    [["inspect", box]],
    [["inspect", "-f", "{{.State.Status}} {{.HostConfig.Memory}} {{json .Config.Labels}}", box]],
    [["inspect", "nothing-like-this"]],
    [["image", "inspect", "busybox"]],
    [["history", "busybox"]],
    [["history", "--no-trunc", "busybox"]],
    [["logs", ended]],
    [["logs", "-t", ended]],
    [["logs", "--tail", "1", ended]],
    [["port", box]],
    [["diff", ended]],
    [["top", box, "-o", "pid,args"]],
    [["network", "ls"]],
    [["network", "inspect", "bridge"]],
    [["volume", "ls"]],
    [["exec", box, "sh", "-c", "echo o; echo e >&2; exit 4"]],
    [["exec", box, "no-such-command"]],
    [["run", "--rm", "busybox", "sh", "-c", "echo o; echo e >&2; exit 5"]],
    [["run", "--rm", "--network", "none", "busybox", "id"]],
    [["start", "-a", ended]],
    [["wait", ended]],
    [["rm", box]],
    [["rm", "nothing-like-this"]],
    [["stop", "nothing-like-this"]],
    [["kill", ended]],
    [["rmi", "nothing-like-this"]],
    [["tag", "busybox", "parity:v1"]],
    [["update", "-m", "96m", "--memory-swap", "192m", box]],
    [["version", "--format", "{{.Server.APIVersion}}"]],
    [["system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Size}}"]],
  ])("%p", async (words) => {
    const [docker, ours] = await both(words);
    expect(withoutAges(ours.stdout)).toBe(withoutAges(docker.stdout));
    expect(ours.exitCode).toBe(docker.exitCode);
  });

  test.each<[string[], number]>([
    [["run", "--rm", "busybox", "no-such-command"], 127],
    [["run", "--rm", "busybox", "/etc"], 126],
    [["run", "--rm", "-m", "1", "busybox"], 125],
    [["run", "--no-such-flag", "busybox"], 125],
    [["no-such-word"], 1],
    [["ps", "--no-such-flag"], 125],
  ])("%p exits with %i and says why", async (words, exitCode) => {
    const ours = await runCommand([berthBinary, ...words], { environment: daemon.environment });
    expect(ours.exitCode).toBe(exitCode);
    expect(ours.stderr.length).toBeGreaterThan(10);
  });

  test("standard input is passed on", async () => {
    const [docker, ours] = await both(["run", "--rm", "-i", "busybox", "sha256sum"], "some input\n".repeat(10_000));
    expect(ours).toEqual(docker);
  });

  test("every command has help with an example", async () => {
    const overview = (await runCommand([berthBinary, "--help"], { environment: daemon.environment })).stdout;
    for (const word of ["run", "exec", "ps", "build", "images", "logs", "stop", "rm", "stats", "cp", "events"]) {
      expect(overview).toMatch(new RegExp(`^\\s+${word}\\b`, "m"));
      const help = await runCommand([berthBinary, word, "--help"]);
      expect(help.exitCode).toBe(0);
      expect(help.stdout).toMatch(/Usage:\s+berth/);
      expect(help.stdout).toMatch(/Example/);
    }
  });

  test("build prints steps and tags", async () => {
    writeFileSync(join(daemon.directory, "Dockerfile"), "FROM busybox\nRUN echo built > /b\n");
    const built = await runCommand([berthBinary, "build", "-t", "by-berth:v1", daemon.directory], {
      environment: daemon.environment,
    });
    expect(built.exitCode).toBe(0);
    expect(await daemon.ok("run", "--rm", "by-berth:v1", "cat", "/b")).toBe("built");
  });

  test("commands that change something print the same once each", async () => {
    for (const words of [
      ["pause", box],
      ["unpause", box],
      ["rename", box, `${box}-x`],
      ["rename", `${box}-x`, box],
      ["restart", "-t", "0", box],
    ]) {
      const ours = await runCommand([berthBinary, ...words], { environment: daemon.environment });
      expect([ours.exitCode, ours.stdout]).toEqual([0, words[0] === "rename" ? "" : `${box}\n`]);
    }
  });

  test("image bootstrap busybox makes an image without a registry", async () => {
    await daemon.ok("tag", "busybox", "kept:v1");
    await daemon.ok("rmi", "busybox");
    expect(
      (await runCommand([berthBinary, "image", "bootstrap", "busybox"], { environment: daemon.environment })).exitCode,
    ).toBe(0);
    expect(await daemon.ok("run", "--rm", "busybox", "echo", "bootstrapped")).toBe("bootstrapped");
  });
});

import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "../engines/command.ts";
import { berthBinary } from "../engines/engine.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

/** What a shell offers when a person types a line and presses tab. */
const daemon = useDaemon();
const box = uniqueName("box");
const network = uniqueName("net");
const volume = uniqueName("vol");
let path = "";

beforeAll(async () => {
  await daemon.ok("create", "--name", box, "busybox");
  await daemon.ok("network", "create", network);
  await daemon.ok("volume", "create", volume);
  // The scripts call the program by its name.
  symlinkSync(berthBinary, join(daemon.directory, "berth"));
  path = `${daemon.directory}:${process.env["PATH"] ?? ""}`;
  for (const shell of ["bash", "zsh", "fish"]) {
    const script = await mustRun([berthBinary, "completion", shell]);
    writeFileSync(join(daemon.directory, `completion.${shell}`), script);
  }
});

const environment = () => ({ ...daemon.environment, PATH: path });

async function inBash(line: string): Promise<string[]> {
  const program = `. "$1"; COMP_LINE=$2; COMP_POINT=\${#2}; _berth 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = await mustRun(["bash", "-c", program, "bash", join(daemon.directory, "completion.bash"), line], {
    environment: environment(),
    directory: daemon.directory,
  });
  return output.split("\n").filter(Boolean);
}

async function words(...typed: string[]): Promise<string[]> {
  const output = await mustRun([berthBinary, "__complete", "--", ...typed], { environment: environment() });
  return output
    .split("\n")
    .map((line) => line.split("\t")[0] ?? "")
    .filter(Boolean);
}

describe.skipIf(targetIsDockerd)("completion", () => {
  test("offers commands, groups and what is in them", async () => {
    expect(await words("con")).toEqual(["container", "context"]);
    expect(await words("context", "")).toContain("use");
    expect(await words("trust", "key", "")).toEqual(["generate", "load"]);
    expect(await words("")).not.toContain("__complete");
    expect(await words("")).not.toContain("swarm");
  });

  test("offers flags and their values", async () => {
    expect(await words("run", "--memory-s")).toEqual(["--memory-swap", "--memory-swappiness"]);
    expect(await words("run", "--restart", "un")).toEqual(["unless-stopped"]);
    expect(await words("run", "--network", network.slice(0, -1))).toContain(network);
    expect(await words("run", `--network=${network.slice(0, -1)}`)).toContain(`--network=${network}`);
    expect(await words("ps", "--filter", "anc")).toEqual(["ancestor="]);
    expect(await words("kill", "-s", "H")).toEqual(["HUP"]);
    expect(await words("--conte")).toEqual(["--context"]);
    expect(await words("--context", "def")).toEqual(["default"]);
    expect(await words("network", "create", "--driver", "")).toEqual(["bridge", "macvlan", "ipvlan"]);
  });

  test("offers the names of what there is, where it can stand", async () => {
    expect(await words("start", box)).toEqual([box]);
    expect(await words("-D", "container", "start", "--attach", box)).toEqual([box]);
    expect(await words("stop", box)).toEqual([]);
    expect(await words("run", "--rm", "-it", "busy")).toEqual(["busybox:latest"]);
    expect(await words("volume", "rm", volume)).toEqual([volume]);
    expect(await words("network", "connect", network, box)).toEqual([box]);
    // What follows the image is the container's command line.
    expect(await words("run", "busybox", "--")).toEqual([":file"]);
  });

  test("says nothing when the daemon is away", async () => {
    const away = { ...environment(), BERTH_HOST: "unix:///none", DOCKER_HOST: "unix:///none" };
    expect(await mustRun([berthBinary, "__complete", "--", "stop", ""], { environment: away })).toBe("");
  });

  test("in bash takes colons, equals signs and files", async () => {
    expect(await inBash("berth run busyb")).toEqual(["busybox:latest"]);
    expect(await inBash("berth run busybox:l")).toEqual(["latest"]);
    expect(await inBash(`berth run --network=${network.slice(0, -1)}`)).toContain(network);
    expect(await inBash("berth cp completion.b")).toEqual(["completion.bash"]);
    expect(await inBash("berth container st")).toEqual(["start", "stats", "stop"]);
  });

  test.skipIf(!existsSync("/usr/bin/fish"))("in fish", async () => {
    const program = `source ${join(daemon.directory, "completion.fish")}; complete -C "berth start ${box}"`;
    const output = await mustRun(["fish", "--no-config", "-c", program], { environment: environment() });
    expect(output).toContain(`${box}\tbusybox, Created`);
  });

  test.skipIf(!existsSync("/usr/bin/zsh"))("in zsh", async () => {
    // The functions of zsh's completion stand for what a line editor would show.
    const program = `compdef() { : }; _describe() { print -rl -- "\${(@P)2}" }; _files() { print :files }; . "$1"; words=(\${(s: :)2}); CURRENT=\${#words}; _berth`;
    const output = await mustRun(
      ["zsh", "-f", "-c", program, "zsh", join(daemon.directory, "completion.zsh"), "berth run busyb"],
      { environment: environment() },
    );
    expect(output).toBe("busybox\\:latest:\n");
  });
});

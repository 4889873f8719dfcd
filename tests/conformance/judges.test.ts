import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../engines/command.ts";
import { useDaemon } from "./daemon.ts";
import { runJudge } from "./judges/run-judge.ts";

const daemon = useDaemon();

test("dockerode", async () => {
  const { passed, failed } = await runJudge(daemon, "dockerode.mjs");
  expect(failed).toEqual([]);
  expect(passed).toBe(18);
}, 60_000);

test("testcontainers", async () => {
  const { passed, failed } = await runJudge(daemon, "testcontainers.mjs");
  expect(failed).toEqual([]);
  expect(passed).toBe(9);
}, 60_000);

test("devcontainer up and exec", async () => {
  const workspace = join(daemon.directory, "workspace");
  mkdirSync(join(workspace, ".devcontainer"), { recursive: true });
  const folders = ["/workspaces", "/root"].map((path) => `mkdir -p ${path}`).join("; ");
  writeFileSync(
    join(workspace, ".devcontainer/devcontainer.json"),
    JSON.stringify({
      image: "busybox",
      remoteUser: "root",
      containerEnv: { A: "b" },
      mounts: ["source=judged,target=/cache,type=volume"],
      postCreateCommand: `${folders}; echo created > /created`,
    }),
  );
  const cli = join(import.meta.dir, "../../node_modules/.bin/devcontainer");
  const run = (...words: string[]) =>
    runCommand([cli, ...words, "--workspace-folder", workspace], { environment: daemon.environment });
  const up = await run("up", "--skip-post-attach");
  expect(up.stdout).toContain('"outcome":"success"');
  const exec = await runCommand(
    [cli, "exec", "--workspace-folder", workspace, "sh", "-c", "cat /created; pwd; echo $A; test -d /cache; exit 4"],
    { environment: daemon.environment },
  );
  expect(exec.stdout).toBe("created\n/workspaces/workspace\nb\n");
  expect(exec.exitCode).toBe(4);
  const again = await run("up");
  expect((JSON.parse(again.stdout) as { containerId: string }).containerId).toBe(
    (JSON.parse(up.stdout) as { containerId: string }).containerId,
  );
}, 60_000);

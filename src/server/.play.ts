import { startTestServer } from "./testing/test-server.ts";
import { fakeContainer, scriptedProcess, echoProcess } from "./testing/fake-engine.ts";
import { encodeFrame } from "#wire";
import { spawn } from "node:child_process";
const api = await startTestServer();
const v = fakeContainer();
api.engine.views.set(v.id, v);
const tty = fakeContainer({
  name: "tty",
  created: 1_700_000_000_000_000_000n,
  config: { Tty: true, OpenStdin: true, AttachStdin: true, Image: "x" },
  state: { running: false, status: "exited", exitCode: 3, finishedAt: 1_790_000_000_000_000_000n },
});
api.engine.views.set(tty.id, tty);
api.engine.logRecords = [
  { time: 1_700_000_000_123_456_000n, stream: "stdout", line: Buffer.from("o1\n"), attributes: { b: "2 3", a: "1" } },
  { time: 1_700_000_001_000_000_000n, stream: "stderr", line: Buffer.from("e1\n") },
];
const run = (args: string[], input?: string, env: Record<string, string> = {}) =>
  new Promise<void>((resolve) => {
    const child = spawn("docker", ["-H", `unix://${api.path}`, ...args], {
      env: { ...process.env, ...env },
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    let out = "",
      err = "";
    child.stdout!.on("data", (d) => (out += d));
    child.stderr!.on("data", (d) => (err += d));
    if (input !== undefined) child.stdin!.end(input);
    const t = setTimeout(() => child.kill("SIGKILL"), 5000);
    child.on("close", (code) => {
      clearTimeout(t);
      console.log(`$ docker ${args.join(" ")} -> ${code}\n${out}${err === "" ? "" : "ERR " + err}`);
      resolve();
    });
  });
const only = process.argv[2];
const all: [string[], string?, Record<string, string>?][] = [
  [["version"]],
  [["info"]],
  [["ps", "-a"]],
  [["ps", "-as", "--no-trunc"]],
  [["ps", "-a", "--filter", "status=exited", "--filter", "name=t"]],
  [["ps", "--filter", "nonsense=1"]],
  [["inspect", "web"]],
  [["inspect", "nosuch"]],
  [["logs", "web"]],
  [["logs", "-t", "--details", "--tail", "5", "--since", "10m", "web"]],
  [["top", "web"]],
  [["diff", "web"]],
  [["port", "web"]],
  [["wait", "web"]],
  [["stop", "-t", "3", "web"]],
  [["rename", "web", "x"]],
  [["update", "-m", "32m", "web"]],
  [["pause", "web"]],
  [["kill", "-s", "HUP", "web"]],
  [["stats", "--no-stream"]],
  [["stats", "--no-stream", "tty"]],
  [["cp", "web:/f", "-"]],
  [["cp", "/etc/hostname", "web:/tmp/"]],
  [["export", "-o", "/tmp/srvx/o", "web"]],
  [["commit", "-m", "msg", "-c", "ENV A=1", "web", "repo:tag"]],
  [["images"]],
  [["image", "inspect", "debian:bookworm"]],
  [["history", "debian:bookworm"]],
  [["save", "-o", "/tmp/srvx/sv", "debian:bookworm"]],
  [["load", "-i", "/tmp/srvx/sv"]],
  [["tag", "debian:bookworm", "b:c"]],
  [["rmi", "debian:bookworm"]],
  [["import", "/tmp/srvx/sv", "repo:x"]],
  [["pull", "alpine"]],
  [["push", "debian:bookworm"]],
  [["search", "x"]],
  [["image", "prune", "-af"]],
  [["network", "ls"]],
  [["network", "inspect", "bridge"]],
  [["network", "create", "--subnet", "10.1.0.0/16", "n"]],
  [["network", "connect", "bridge", "web"]],
  [["network", "rm", "bridge"]],
  [["volume", "ls"]],
  [["volume", "inspect", "data"]],
  [["volume", "create", "v"]],
  [["volume", "rm", "nosuch"]],
  [["volume", "prune", "-f"]],
  [["system", "df"]],
  [["system", "df", "-v"]],
  [["system", "prune", "-af", "--volumes"]],
  [["events", "--since", "1h", "--until", "1s"]],
  [["builder", "prune", "-f"]],
  [["run", "--rm", "alpine"]],
  [["run", "-d", "debian:bookworm"]],
  [["run", "-i", "debian:bookworm", "cat"], "\x01\0\0\0\0\0\0\x05hello"],
  [["exec", "web", "ls"]],
  [["exec", "-d", "web", "ls"]],
  [["exec", "-i", "web", "cat"], "\x01\0\0\0\0\0\0\x05hello"],
  [["build", "-t", "foo:1", "/tmp/srvx/ctx"], undefined, { DOCKER_BUILDKIT: "0" }],
  [["build", "-q", "/tmp/srvx/ctx"], undefined, { DOCKER_BUILDKIT: "0" }],
  [["login", "-u", "a", "-p", "b", "localhost:1"]],
  [["swarm", "init"]],
  [["node", "ls"]],
  [["plugin", "ls"]],
];
for (const [args, input, env] of all) if (!only || args.join(" ").includes(only)) await run(args, input, env);
await api.close();
process.exit();

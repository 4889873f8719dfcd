import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CommandOptions, eventually, runCommand } from "../engines/command.ts";
import { berthBinary } from "../engines/engine.ts";
import { buildKitClients } from "./buildkit-clients.ts";
import { targetIsDockerd, useDaemon } from "./daemon.ts";

const daemon = useDaemon();
const clients = buildKitClients(daemon);
let extra = "";

/** A plugin in sh: says what it is, then what it was called with. */
function writePlugin(path: string, metadata: string): void {
  writeFileSync(
    path,
    `#!/bin/sh
if [ "$1" = docker-cli-plugin-metadata ]; then echo '${metadata}'; exit; fi
if [ "$1" = __complete ]; then printf 'alpha\\tthe first\\nbeta\\n:4\\n'; exit; fi
echo "words $*"
echo "host $DOCKER_HOST context $DOCKER_CONTEXT config $DOCKER_CONFIG"
[ "$2" = fail ] && exit 42
[ "$2" = wait ] && { trap 'echo interrupted; exit 3' TERM; echo ready; while :; do sleep 0.1; done; }
exit 0
`,
  );
  chmodSync(path, 0o755);
}

const berth = (words: readonly string[], options: CommandOptions = {}) => clients.berth(words, options);

// The plugins are Berth's to find; dockerd has no part in it.
describe.skipIf(targetIsDockerd)("plugins of the command", () => {
  beforeAll(() => {
    const { DOCKER_CONFIG: configuration = "" } = clients.environment();
    extra = join(daemon.directory, "extra-plugins");
    mkdirSync(extra);
    writeFileSync(
      join(configuration, "config.json"),
      JSON.stringify({ cliPluginsExtraDirs: [extra], aliases: { builder: "buildx" } }),
    );
    const about = (description: string) =>
      JSON.stringify({ SchemaVersion: "0.1.0", Vendor: "Berth", Version: "v7", ShortDescription: description });
    writePlugin(join(extra, "docker-parrot"), about("Says what it hears"));
    writePlugin(join(extra, "berth-own"), about("Ours"));
    writePlugin(join(extra, "docker-own"), about("Not ours"));
    writePlugin(join(extra, "docker-parrot7"), '{"SchemaVersion":"9"}');
    writePlugin(join(extra, "docker-Wrong"), about("No name"));
    writePlugin(join(configuration, "cli-plugins", "docker-parrot"), about("Shadowed"));
  });

  test("are listed by help and by info, those that are none with the reason", async () => {
    const help = (await berth(["--help"])).stdout;
    expect(help).toMatch(/^ {2}parrot\* +Says what it hears$/m);
    expect(help).toMatch(/^ {2}own\* +Ours$/m);
    expect(help).toMatch(/^ {2}compose\* +Docker Compose$/m);
    expect(help).toMatch(/^Invalid Plugins:\n {2}parrot7 +plugin SchemaVersion "9" is not valid, must be 0\.1\.0$/m);
    expect(help).not.toContain("Wrong");
    const info = await berth(["info"]);
    expect(info.stdout).toMatch(
      /^ Plugins:\n {2}buildx: Docker Buildx \(.+\)\n {4}Version: +\S+\n {4}Path: +\/.+\/docker-buildx$/m,
    );
    expect(info.stdout).toContain(
      `  parrot: Says what it hears (Berth)\n    Version:  v7\n    Path:     ${extra}/docker-parrot\n`,
    );
    expect(info.stderr).toContain(`WARNING: Plugin "${extra}/docker-parrot7" is not valid: plugin SchemaVersion "9"`);
    const plugins = JSON.parse((await berth(["info", "--format", "{{json .ClientInfo.Plugins}}"])).stdout) as {
      Name: string;
      ShadowedPaths?: string[];
    }[];
    expect(plugins.map(({ Name }) => Name)).toEqual(["buildx", "compose", "own", "parrot", "parrot7"]);
    expect(plugins.find(({ Name }) => Name === "own")?.ShadowedPaths).toEqual([`${extra}/docker-own`]);
    expect(plugins.find(({ Name }) => Name === "parrot")?.ShadowedPaths?.[0]).toEndWith("/cli-plugins/docker-parrot");
  });

  test("get the words, the daemon and the configuration, and give their exit status", async () => {
    const { DOCKER_CONFIG: configuration = "" } = clients.environment();
    const said = await berth(["parrot", "a b", "--flag"]);
    expect(said.stdout).toBe(`words parrot a b --flag\nhost ${daemon.engine.host} context  config ${configuration}\n`);
    expect((await berth(["parrot", "fail"])).exitCode).toBe(42);
    // Flags before the command are passed on; the plugin reads them itself.
    expect((await berth(["-H", "tcp://127.0.0.1:1", "parrot"])).stdout).toStartWith(
      "words -H tcp://127.0.0.1:1 parrot\n",
    );
    await berth(["context", "create", "elsewhere", "--docker", "host=tcp://127.0.0.1:1"]);
    const none = { DOCKER_HOST: "", BERTH_HOST: "" };
    const chosen = await berth(["parrot"], { environment: { ...none, DOCKER_CONTEXT: "elsewhere" } });
    expect(chosen.stdout).toContain("host  context elsewhere ");
    expect((await berth(["parrot"], { environment: none })).stdout).toContain("host unix:///");
    expect((await berth(["help", "parrot"])).stdout).toStartWith("words help parrot\n");
  });

  test("that are none, or not there, are told", async () => {
    const invalid = await berth(["parrot7"]);
    expect(invalid.exitCode).toBe(1);
    expect(invalid.stderr).toContain(`plugin "${extra}/docker-parrot7" is not valid`);
    const mistyped = await berth(["parot"]);
    expect(mistyped.stderr).toContain("unknown command: berth parot");
    expect(mistyped.stderr).toContain('Did you mean "berth parrot"?');
    expect((await berth(["../extra-plugins/docker-parrot"])).stderr).toContain("unknown command");
  });

  test("complete words", async () => {
    expect((await berth(["__complete", "--", "parr"])).stdout).toBe("parrot\tSays what it hears\n");
    expect((await berth(["__complete", "--", "parrot", "a"])).stdout).toBe("alpha\tthe first\n");
    expect((await berth(["__complete", "--", "compose", "up", "--no-st"])).stdout).toStartWith("--no-start\t");
  });

  test("are ended by a signal to the command", async () => {
    const child = Bun.spawn([berthBinary, "parrot", "wait"], {
      env: { ...process.env, ...clients.environment() },
      stdout: "pipe",
    });
    let text = "";
    const read = (async () => {
      for await (const chunk of child.stdout) text += Buffer.from(chunk).toString();
    })();
    await eventually("the plugin to wait", () => text.includes("ready"));
    child.kill("SIGTERM");
    expect(await child.exited).toBe(3);
    await read;
    expect(text).toEndWith("interrupted\n");
  });

  test("buildx: ours are ours, what we have not is the plugin's; an alias leads there", async () => {
    expect((await berth(["buildx", "version"])).stdout).toStartWith("berth ");
    const bake = (await berth(["buildx", "bake", "--help"])).stdout;
    expect(bake).toContain("Build from a file");
    expect((await berth(["builder", "bake", "--help"])).stdout).toBe(bake);
    expect((await berth(["bake", "--help"])).stdout).toBe(bake);
    const folder = clients.folder({
      Dockerfile: "FROM busybox\nRUN echo baked > /baked\n",
      "docker-bake.json": '{"target":{"default":{"tags":["baked:1"]}}}',
    });
    const baked = await berth(["buildx", "bake"], { directory: folder });
    expect(`${baked.exitCode} ${baked.exitCode === 0 ? "" : baked.stderr}`).toBe("0 ");
    expect(await daemon.ok("run", "--rm", "baked:1", "cat", "/baked")).toBe("baked");
  });
});

const file = `
services:
  web:
    build: ./web
    ports: ["127.0.0.1::8080"]
    volumes: ["data:/data"]
    depends_on: {db: {condition: service_healthy}}
  db:
    image: busybox
    command: sh -c 'echo db is up; touch /ready; exec httpd -f -p 5432'
    healthcheck: {test: ["CMD", "test", "-e", "/ready"], interval: 200ms, timeout: 5s, retries: 50}
  worker:
    image: busybox
    command: sh -c 'echo worker works; exec sleep 1000'
    depends_on: [web]
volumes: {data: {}}
`;

describe.skipIf(targetIsDockerd)("berth compose", () => {
  let folder = "";
  const compose = (...words: string[]) => berth(["compose", "--ansi", "never", ...words], { directory: folder });
  const ok = async (...words: string[]) => {
    const result = await compose(...words);
    if (result.exitCode !== 0)
      throw new Error(`${words.join(" ")}: ${result.exitCode}\n${result.stdout}${result.stderr}`);
    return result.stdout;
  };
  afterAll(async () => {
    await compose("down", "-v", "--rmi", "local", "-t", "0");
  });

  test("brings up three services with a build, and takes them down", async () => {
    folder = clients.folder({
      "compose.yaml": file,
      "web/Dockerfile":
        'FROM busybox\nRUN mkdir /www && echo hello > /www/index.html\nCMD ["httpd", "-f", "-p", "8080", "-h", "/www"]\n',
    });
    await ok("up", "-d", "--build");
    expect((await ok("ps", "--services")).trim().split("\n").toSorted()).toEqual(["db", "web", "worker"]);
    expect(await ok("logs", "worker")).toContain("worker works");
    const address = (await ok("port", "web", "8080")).trim();
    expect(await (await fetch(`http://${address}/`)).text()).toBe("hello\n");
    expect(await ok("exec", "-T", "worker", "wget", "-qO-", "http://web:8080/")).toBe("hello\n");
    await ok("up", "-d", "--scale", "worker=2", "-t", "0");
    expect((await ok("ps", "-q", "worker")).trim().split("\n").length).toBe(2);
    await ok("down", "-v", "--rmi", "local", "-t", "0");
    expect(await daemon.ok("ps", "-aq")).toBe("");
    expect((await runCommand([berthBinary, "volume", "ls", "-q"], { environment: daemon.environment })).stdout).toBe(
      "",
    );
  }, 60_000);
});

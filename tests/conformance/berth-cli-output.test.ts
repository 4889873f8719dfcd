import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CommandResult, runCommand } from "../engines/command.ts";
import { berthBinary } from "../engines/engine.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

/**
 * `berth` and `docker` with the same words on one daemon print the same bytes: tables, templates, JSON, sentences of
 * errors, exit codes. What may differ is our name, our hints, and that the two do not run in the same second.
 */
const daemon = useDaemon();
const web = uniqueName("web");
const ended = uniqueName("ended");
const volume = uniqueName("vol");
const network = uniqueName("net");

beforeAll(async () => {
  await daemon.ok("volume", "create", "--label", "tier=data", volume);
  await daemon.ok("network", "create", "--label", "tier=net", network);
  const labels = ["-l", "a=b", "-l", "com.example.my-app=x"];
  const ports = ["-p", "127.0.0.1::80", "-p", "9000-9002/udp"];
  const rest = ["-v", `${volume}:/data`, "--tmpfs", "/t", "-e", "A=1", "--ulimit", "nofile=1000:2000", "--init"];
  const health = ["--health-cmd", "true", "--health-interval", "90s", "--health-timeout", "1500ms"];
  await daemon.ok("run", "-d", "--name", web, ...labels, ...ports, ...rest, ...health, "busybox", "sleep", "10000");
  await daemon.cli(["run", "--name", ended, "busybox", "sh", "-c", "echo out; echo err >&2; exit 3"]);
});

afterAll(async () => {
  await daemon.cli(["rm", "-f", web, ended]);
  await daemon.cli(["volume", "rm", volume]);
});

const both = (words: readonly string[], environment: Readonly<Record<string, string>> = {}) => {
  const options = { environment: { ...daemon.environment, ...environment } };
  return Promise.all([
    runCommand(["docker", ...words], options),
    runCommand([berthBinary, ...words], options),
  ] as const);
};

/** Our name for docker's, ages in words, figures that move, and the padding that depends on them. */
const still = (text: string) =>
  text
    .replaceAll(/\bdocker\b/g, "berth")
    .replaceAll(/(?:\d+|Less than a|About a) (?:second|minute)s?(?: ago)?/g, "N ago")
    .replaceAll(/ +/g, " ");

const withoutHints = (text: string) => still(text.replaceAll(/^Hint: .*\n/gm, ""));

function expectSame([docker, ours]: readonly [CommandResult, CommandResult]): void {
  expect({ stdout: still(ours.stdout), stderr: withoutHints(ours.stderr), exitCode: ours.exitCode }).toEqual({
    stdout: still(docker.stdout),
    stderr: still(docker.stderr),
    exitCode: docker.exitCode,
  });
}

describe.skipIf(targetIsDockerd)("templates", () => {
  test.each([
    "{{.Names}}\\t{{.ID}}",
    "table {{.Names}}\\t{{.Mounts}}\\t{{.Networks}}\\t{{.LocalVolumes}}\\t{{.Labels}}",
    'table {{.Label "com.example.my-app"}}\\t{{upper .Names}}',
    "json",
    "raw",
    "{{json .Ports}} {{.State}} {{.Platform}}",
    '{{.Label "a"}}{{.Label "none"}}',
    '{{range $i, $p := split .Ports ","}}{{$i}}={{$p}};{{else}}none{{end}}',
    '{{if and (eq .State "running") (ne .Names "x")}}y{{else if .ID}}z{{end}}',
    '{{with $y := .Names}}{{$y | upper | printf "%-30s|%q" "a"}}{{end}}',
    '{{title "hello world-x"}} {{truncate "hello" 2}} {{pad "a" 2 3}}| {{join (split "a,b" ",") "/"}} {{lower "A"}}',
    '{{printf "%5.2f|%-5s|%05d|%x|%t|%c|%U|%v" 3.14159 "ab" 42 "hi" true 65 65 (split "a b" " ")}}',
    '{{html "<a>"}} {{js "a\\"b"}} {{urlquery "a b&c"}} {{len "é"}} {{slice "hello" 1 3}} {{print 1 2 "x"}}',
    '{{define "x"}}[{{.}}]{{end}}{{template "x" .Names}}{{block "z" .}}B{{end}}',
    '{{range split "a,b,c" ","}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}',
    "{{- .Names -}}  {{/* nothing */}} z",
    '{{println "a" 1}}x',
    "{{.Foo}}",
    "{{.Names.Foo}}",
    "{{.Names",
    "{{.Names}",
    "{{foo .}}",
    "{{if .Names}}",
    "{{end}}",
    "{{lower 1}}",
    "{{.Names | len | lower}}",
    "{{lower .Names .ID}}",
    "{{eq .Names 1}}",
    '{{index (split "a,b" ",") 2}}',
    '{{index (split "a,b" ",") 9}}',
    "{{$x}}",
    "{{!}}",
    "{{1a}}",
    "{{nil}}",
    '{{"a" | "b"}}',
    '{{template "y" .}}',
    "{{range .Names}}{{end}}",
    "{{.Label}}",
    "tablex",
    "table {{json .}}",
    "table {{.Names}} {{json .}}",
    "{{len .}}",
    '{{.Names}}{{"}}"}} {{ .ID }}}}',
  ])("ps --format %p", async (format) => {
    expectSame(await both(["ps", "-a", "--filter", `name=${web}`, "--format", format]));
  });

  test.each([
    "{{.State.Health.Status}} {{.State.Running}} {{.State.Error}}",
    "{{.NetworkSettings.Ports}}",
    "{{json .NetworkSettings.Ports}} {{json .Config.Labels}}",
    "{{json .}}",
    "{{.Config.Labels}} {{.Config.Labels.none}} {{.Config.Env}}",
    "{{.ID}} {{.Id}}",
    "{{.HostConfig.Ulimits}} {{.HostConfig.RestartPolicy}} {{.HostConfig.LogConfig}} {{.HostConfig.Tmpfs}}",
    "{{.Config.Healthcheck.Interval}} {{.Config.Healthcheck.Timeout}}",
    "{{.HostConfig.MemorySwappiness}} {{.Config.StopTimeout}} {{.HostConfig.Binds}}",
    '{{printf "%T %T %d" .State.Pid .Config .State.ExitCode}} {{gt .State.Pid 1}}',
    '{{range .Mounts}}{{.Name}}:{{.Destination}} {{end}}{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostIp}}',
    "{{.Foo}}",
    "{{.State.Foo}}",
    "{{.NetworkSettings.Networks.none.IPAddress}}",
    "{{",
    "json",
    "",
  ])("inspect --format %p", async (format) => {
    expectSame(await both(["inspect", "--format", format, web]));
  });

  test.each([
    [["images", "--format", "table {{.ID}}\\t{{.Repository}}\\t{{.VirtualSize}}\\t{{.Containers}}\\t{{.CreatedAt}}"]],
    [["images", "--format", "{{json .}}"]],
    [["images", "--format", "{{.Foo}}"]],
    [["images", "--format", "table {{json .}}"]],
    [["volume", "ls", "--format", "table {{json .}}"]],
    [["network", "ls", "--format", "table {{json .}}"]],
    [["network", "ls", "--format", "{{len .}}"]],
    [["history", "busybox", "--format", "table {{json .}}"]],
    [["plugin", "ls", "--format", "table {{.PluginReference}}"]],
    [["system", "df", "--format", "raw"]],
    [["system", "df", "--format", "table {{json .}}"]],
    [["images", "--format", "raw", "--digests"]],
    [["network", "ls", "--format", "{{json .}}", "--filter", `name=${network}`]],
    [["network", "ls", "--format", "raw"]],
    [["network", "inspect", "-f", "{{.IPAM.Config}} {{.Labels}} {{.Options}}", network]],
    [["volume", "ls", "--format", "json"]],
    [["volume", "inspect", "-f", "{{.Name}} {{.Labels}} {{.Options}} {{.UsageData}}", volume]],
    [["image", "inspect", "-f", "{{.Config.Cmd}} {{.RootFS.Type}} {{.Config.Env}} {{.Os}} {{.Author}}", "busybox"]],
    [["history", "--format", "{{.CreatedBy}} {{.Size}} {{.Comment}}", "busybox"]],
    [["system", "df", "--format", "json"]],
    [["system", "df", "--format", "{{.Foo}}"]],
    [["stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}} {{.Container}}", web]],
    [["stats", "--no-stream", "--format", "{{json .Foo}}", web]],
    [["info", "--format", "{{.NCPU}} {{.Swarm}} {{.Plugins}} {{json .SecurityOptions}} {{.ServerErrors}}"]],
    [["info", "--format", "{{.Foo}}"]],
    [["version", "--format", "{{.Server.Version}} {{.Server.APIVersion}} {{.Server.Platform.Name}}"]],
    [["version", "--format", "{{.Foo}}"]],
    [["version", "--format", "{{json .Server}}"]],
    [["events", "--since", "1h", "--until", "0s", "--filter", `container=${ended}`, "--format", "{{json .}}"]],
    [
      [
        "events",
        "--since",
        "1h",
        "--until",
        "0s",
        "--filter",
        `container=${ended}`,
        "--format",
        "{{.Status}} {{.TimeNano}}",
      ],
    ],
    [["events", "--since", "1h", "--until", "0s", "--filter", `container=${ended}`, "--format", "{{.Foo}}"]],
  ])("%p", async (words) => {
    expectSame(await both(words));
  });
});

describe.skipIf(targetIsDockerd)("what reads", () => {
  test.each([
    [["ps"]],
    [["ps", "-as"]],
    [["ps", "-aq", "--no-trunc"]],
    [["ps", "-q", "--format", "{{.Names}}"]],
    [["ps", "-l"]],
    [["ps", "-n", "1"]],
    [["ps", "--filter", "status=none"]],
    [["container", "ls", "--filter", "label=a"]],
    [["images", "--digests"]],
    [["images", "--no-trunc", "-q"]],
    [["images", "none"]],
    [["network", "ls"]],
    [["network", "inspect", "bridge", "none"]],
    [["volume", "ls", "-q"]],
    [["volume", "inspect", volume]],
    [["volume", "ls", "--cluster"]],
    [["inspect", "-s", web]],
    [["inspect", "--type", "none", web]],
    [["inspect", web, "none"]],
    [["port", web]],
    [["port", web, "80"]],
    [["port", web, "81"]],
    [["top", web, "-o", "pid,args"]],
    [["diff", ended]],
    [["logs", "-t", ended]],
    [["logs", "--since", "nonsense", ended]],
    [["history", "--human=false", "busybox"]],
    [["history", "--no-trunc", "busybox"]],
    [["history", "-q", "busybox"]],
    [["events", "--since", "1h", "--until", "0s", "--filter", `container=${ended}`]],
    [["system", "df"]],
    [["plugin", "ls"]],
    [["plugin", "inspect", "none"]],
    [["node", "ls"]],
    [["service", "inspect", "none"]],
    [["swarm", "join-token", "worker"]],
    [["stack", "ls"]],
    [["secret", "create", "x"]],
    [["checkpoint", "ls", web]],
    [["start", "--checkpoint", "x", ended]],
  ])("%p", async (words) => {
    expectSame(await both(words));
  });

  test("system df -v", async () => {
    const [docker, ours] = await both(["system", "df", "-v"]);
    // The daemon may measure a volume anew in between.
    expect(still(ours.stdout)).toBe(still(docker.stdout));
  });
});

describe.skipIf(targetIsDockerd)("what is refused", () => {
  test.each([
    [["ps", "extra"]],
    [["ps", "--none"]],
    [["ps", "-z"]],
    [["ps", "--no-trunc=maybe"]],
    [["ps", "-n", "abc"]],
    [["ps", "--last"]],
    [["ps", "--filter", "none"]],
    [["none"]],
    [["container", "none"]],
    [["container", "--none"]],
    [["help", "none"]],
    [["run"]],
    [["exec", "a"]],
    [["rename", "a"]],
    [["port"]],
    [["context", "use"]],
    [["stop", "none"]],
    [["rm", web]],
    [["volume", "rm", volume]],
    [["exec", ended, "ls"]],
    [["pause", ended]],
    [["update", web]],
    [["cp", "a", "b"]],
    [["cp", `${web}:/none`, "."]],
    [["run", "--rm", "--restart", "always", "busybox"]],
    [["run", "-m", "x", "busybox"]],
    [["run", "-p", "99999:1", "busybox"]],
    [["run", "--name", web, "busybox"]],
    [["-H", "unix:///none", "ps"]],
    [["-H", "npipe:////./pipe/none", "ps"]],
    [["-H", "foo://none", "ps"]],
    [["--context", "none", "ps"]],
    [["--log-level", "none", "ps"]],
  ])("%p", async (words) => {
    expectSame(await both(words));
  });
});

describe.skipIf(targetIsDockerd)("config.json", () => {
  const write = (name: string, config: object) => {
    const directory = join(daemon.directory, name);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "config.json"), JSON.stringify(config));
    return { DOCKER_CONFIG: directory };
  };

  test("formats of lists", async () => {
    const environment = write("formats", {
      psFormat: "{{.Names}}|{{.Size}}",
      imagesFormat: "{{.Repository}}!",
      networksFormat: "table {{.Name}}",
      volumesFormat: "{{.Name}}?",
    });
    for (const words of [
      ["ps"],
      ["ps", "-q"],
      ["ps", "--format", "table"],
      ["images"],
      ["network", "ls"],
      ["volume", "ls"],
    ]) {
      expectSame(await both(words, environment));
    }
  });

  test("proxies become variables of a new container", async () => {
    const environment = write("proxies", { proxies: { default: { httpProxy: "http://p:1", noProxy: "a,b" } } });
    const words = ["run", "--rm", "-e", "NO_PROXY=mine", "busybox", "sh", "-c", "env | grep -i proxy | sort"];
    const [docker, ours] = await both(words, environment);
    expect(ours.stdout).toBe(docker.stdout);
    expect(ours.stdout).toContain("http_proxy=http://p:1");
  });

  test("filters of every prune, unless a flag says the opposite", async () => {
    const environment = write("prune", { pruneFilters: ["label=never=this"] });
    const options = { environment: { ...daemon.environment, ...environment } };
    await daemon.ok("create", "--name", `${ended}-kept`, "busybox");
    expect((await runCommand([berthBinary, "container", "prune", "-f"], options)).stdout).toBe(
      "Total reclaimed space: 0B\n",
    );
    expect(await daemon.ok("ps", "-aq", "--filter", `name=${ended}-kept`)).not.toBe("");
    await daemon.ok("rm", `${ended}-kept`);
  });

  test("a file that cannot be read is told, and counts as empty", async () => {
    const { DOCKER_CONFIG } = write("broken", {});
    writeFileSync(join(DOCKER_CONFIG, "config.json"), "{");
    expectSame(await both(["ps", "-q"], { DOCKER_CONFIG }));
  });

  test("HttpHeaders go with every request", async () => {
    const { DOCKER_CONFIG } = write("headers", { HttpHeaders: { "X-Meta": "yes" } });
    const socket = join(daemon.directory, "headers.sock");
    const seen = Promise.withResolvers<string | null>();
    const server = Bun.serve({
      unix: socket,
      fetch(request) {
        seen.resolve(request.headers.get("x-meta"));
        return Response.json([]);
      },
    });
    try {
      await runCommand([berthBinary, "-H", `unix://${socket}`, "ps"], {
        environment: { DOCKER_CONFIG, BERTH_CONFIG: "" },
      });
      expect(await seen.promise).toBe("yes");
    } finally {
      await server.stop(true);
    }
  });
});

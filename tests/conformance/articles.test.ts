import { beforeAll, describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, runCommand } from "../engines/command.ts";
import { berthBinary } from "../engines/engine.ts";
import { client, targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

/*
 * What articles about containers tell their readers to type, on base images made here under the names they use. Needs
 * the package archives of Debian and Python. Where the host reaches its Debian mirror both are expected to be there and
 * a failure is a failure; BERTH_TESTS_OFFLINE=1 skips, BERTH_TESTS_ONLINE=1 never does.
 */

const examples = join(import.meta.dir, "../../examples");
const minute = 60_000;

/** The host's own Debian mirror, from its apt sources. */
function hostMirror(): string | undefined {
  const directory = "/etc/apt/sources.list.d";
  const files = ["/etc/apt/sources.list"].concat(
    existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [],
  );
  for (const file of files.filter((path) => existsSync(path))) {
    const found = /https?:\/\/\S+\/debian\/?(?=\s|$)/.exec(readFileSync(file, "utf8"));
    if (found !== null) return found[0];
  }
  return undefined;
}

const mirror = hostMirror();

async function reasonToSkip(): Promise<string | undefined> {
  if (targetIsDockerd) return "the base images are Berth's";
  if (process.env["BERTH_TESTS_OFFLINE"] === "1") return "BERTH_TESTS_OFFLINE=1";
  if (process.env["BERTH_TESTS_ONLINE"] === "1") return undefined;
  if (mirror === undefined) return "the host's apt sources name no Debian mirror";
  try {
    await fetch(mirror, { method: "HEAD", signal: AbortSignal.timeout(10_000) });
    return undefined;
  } catch (error) {
    return `the Debian mirror ${mirror} cannot be reached: ${String(error)}`;
  }
}

const skipped = await reasonToSkip();
if (skipped !== undefined) console.log(`skipped: articles.test.ts: ${skipped}`);

const daemon = useDaemon({ flags: ["--trust-host-ca"] });

const berth = (...words: string[]) =>
  runCommand([berthBinary, ...words], { environment: daemon.environment, timeoutMs: 10 * minute });

/** Bootstraps an image, or takes the one an earlier run of this month has kept. */
async function base(name: string, ...words: string[]): Promise<string> {
  const month = new Date().toISOString().slice(0, 7);
  const archive = join(tmpdir(), `berth-tests-${name.replaceAll(/[:/]/g, "-")}-${month}.tar`);
  if (existsSync(archive)) await daemon.ok("load", "-q", "-i", archive);
  const made = await berth("image", "bootstrap", ...words, name);
  if (made.exitCode !== 0) throw new Error(`bootstrap ${name}: ${made.stdout}${made.stderr}`);
  if (!existsSync(archive)) {
    const partial = `${archive}.${process.pid}`;
    await daemon.ok("save", "-o", partial, name);
    renameSync(partial, archive);
  }
  return made.stdout;
}

/** A copy of an example, so that two builds never meet in the cache. */
function copyOf(example: string): string {
  const folder = join(daemon.directory, uniqueName(example));
  mkdirSync(folder);
  cpSync(join(examples, example), folder, { recursive: true });
  return folder;
}

const clients = [
  [client, client],
  ["berth", berthBinary],
] as const;

async function run(program: string, ...words: string[]): Promise<string> {
  const result = await runCommand([program, ...words], {
    environment: daemon.environment,
    timeoutMs: 3 * minute,
  });
  if (result.exitCode !== 0) {
    throw new Error(`${program} ${words.join(" ")}: exit ${result.exitCode}\n${result.stdout}${result.stderr}`);
  }
  return result.stdout.trim();
}

async function pageOf(address: string): Promise<string> {
  let page = "";
  await eventually(
    `a page at ${address}`,
    async () => {
      try {
        page = await (await fetch(`http://${address}/`)).text();
        return true;
      } catch {
        return false; // the server is still starting
      }
    },
    20_000,
  );
  return page;
}

test.each(clients)("%s: the shell script: ENTRYPOINT with CMD, ENV and USER", async (name, program) => {
  const image = `greet-${name}`;
  await run(program, "build", "-t", image, copyOf("shell-script"));
  expect(await run(program, "run", "--rm", "-h", "ship", image)).toBe("Hello, world! I am nobody in ship, process 1.");
  expect(await run(program, "run", "--rm", "-h", "ship", "-e", "GREETING=Hi", image, "Ada")).toStartWith("Hi, Ada!");
});

describe.skipIf(skipped !== undefined)("the articles' examples", () => {
  beforeAll(async () => {
    await base("debian:bookworm");
    await base("python:3.9-slim-buster");
  }, 10 * minute);

  test("bootstrap takes what is there the second time, and under another name", async () => {
    expect(await base("debian:bookworm")).toContain("is there already");
    const other = await berth("image", "bootstrap", "debian:bookworm", "--as", "ubuntu:18.04");
    expect(other.stdout).toContain("ubuntu:18.04 is the same image as debian:bookworm");
    expect(await daemon.ok("run", "--rm", "python:3.9-slim-buster", "python", "-c", "print(6 * 7)")).toBe("42");
    expect(await daemon.ok("run", "--rm", "python:3.9-slim-buster", "pip", "--version")).toContain("python 3");
  });

  test(
    "bootstrap names what is wrong: an unknown suite, another distribution",
    async () => {
      const suite = await berth("image", "bootstrap", "debian:no-such-suite");
      expect(suite.stderr).toContain('has no suite "no-such-suite"');
      expect(suite.exitCode).toBe(1);
      const ubuntu = await berth("image", "bootstrap", "ubuntu:18.04", "--refresh");
      expect(ubuntu.stderr).toMatch(/no ubuntu archive\nHint: .*berth image bootstrap debian:\w+ --as ubuntu:18\.04/);
      expect((await berth("image", "bootstrap", "fedora")).exitCode).toBe(1);
    },
    minute,
  );

  test.each(clients)(
    "%s: apt-get install curl, COPY, chmod, ENTRYPOINT",
    async (name, program) => {
      await berth("image", "bootstrap", "debian:bookworm", "--as", "ubuntu:18.04");
      const image = `fetch-${name}`;
      await run(program, "build", "-t", image, copyOf("curl-ubuntu"));
      expect(await run(program, "run", "--rm", image, new URL("/", mirror).href)).toMatch(/^[23]\d\d \d+ bytes$/);
    },
    3 * minute,
  );

  test.each(
    clients.flatMap((pair) => (["flask", "flask-app-py"] as const).map((example) => [...pair, example] as const)),
  )(
    "%s: Flask says hello (%p, %s)",
    async (name, program, example) => {
      const image = `${example}-${name}`;
      await run(program, "build", "-t", image, copyOf(example));
      const container = await run(program, "run", "-d", "-p", "127.0.0.1::5000", image);
      try {
        expect(await pageOf(await run(program, "port", container, "5000/tcp"))).toBe("Hello, World!");
        await eventually("the request in the log", async () => {
          const { stdout, stderr } = await runCommand([program, "logs", container], {
            environment: daemon.environment,
          });
          return `${stdout}${stderr}`.includes('"GET / HTTP/1.1" 200');
        });
        expect(await run(program, "exec", container, "python3", "-c", "import flask; print(flask.__name__)")).toBe(
          "flask",
        );
      } finally {
        await run(program, "rm", "-f", container);
      }
    },
    3 * minute,
  );

  test(
    "CMD [flask, run] with --host; two containers with 1 GB and 2 GB; update",
    async () => {
      const folder = copyOf("flask");
      await Bun.write(
        join(folder, "Dockerfile"),
        'FROM python:3.9-slim-buster\nWORKDIR /app\nCOPY requirements.txt requirements.txt\nRUN pip3 install -r requirements.txt\nCOPY . .\nCMD ["flask", "run", "--host=0.0.0.0"]\n',
      );
      await daemon.ok("build", "-q", "-t", "flask-run", folder);
      await daemon.ok("run", "-d", "--name", "small", "-m", "1g", "-p", "127.0.0.1::5000", "flask-run");
      await daemon.ok("run", "-d", "--name", "large", "-m", "2g", "-p", "127.0.0.1::5000", "flask-run");
      for (const name of ["small", "large"]) {
        expect(await pageOf(await daemon.ok("port", name, "5000/tcp"))).toBe("Hello, World!");
      }
      const stats = await daemon.ok("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}");
      expect(stats).toMatch(/^small \S+ \/ 1GiB$/m);
      expect(stats).toMatch(/^large \S+ \/ 2GiB$/m);
      await daemon.ok("update", "-m", "1536m", "--memory-swap", "3g", "small");
      expect(await daemon.ok("stats", "--no-stream", "--format", "{{.MemUsage}}", "small")).toEndWith("/ 1.5GiB");
      await daemon.ok("rm", "-f", "small", "large");
    },
    3 * minute,
  );

  test(
    "--trust-host-ca shows in containers and leaves nothing in images",
    async () => {
      const folder = join(daemon.directory, uniqueName("trust"));
      mkdirSync(folder);
      await Bun.write(
        join(folder, "Dockerfile"),
        "FROM python:3.9-slim-buster\nRUN pip3 install --no-cache-dir blinker\n",
      );
      await daemon.ok("build", "-q", "-t", "trusting", folder);
      const [image] = JSON.parse(await daemon.ok("image", "inspect", "trusting")) as [{ Config: { Env: string[] } }];
      expect(JSON.stringify(image)).not.toContain("/dev/berth");
      expect(image.Config.Env.filter((entry) => /CA|CERT|APT/.test(entry.split("=")[0] ?? ""))).toEqual([]);
      expect(await daemon.ok("history", "--no-trunc", "trusting")).not.toContain("/dev/berth");
      const id = await daemon.ok("create", "trusting", "sh", "-c", 'cat "$SSL_CERT_FILE" | wc -l');
      expect(JSON.stringify(await daemon.inspect(id))).not.toContain("/dev/berth");
      expect(Number(await daemon.ok("start", "-a", id))).toBeGreaterThan(10);
      expect(await daemon.ok("diff", id)).toBe("");
      const exported = join(daemon.directory, "trusting.tar");
      await daemon.ok("export", "-o", exported, id);
      const names = (await Bun.$`tar -tf ${exported}`.text()).split("\n");
      expect(names.filter((name) => name.includes("dev/berth"))).toEqual([]);
      await daemon.ok("rm", id);
    },
    3 * minute,
  );
});

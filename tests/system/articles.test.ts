import { beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { useDaemon } from "../conformance/daemon.ts";
import { eventually, runCommand } from "../engines/command.ts";
import { berthBinary } from "../engines/engine.ts";

/** The Dockerfiles that introductions to containers use, as written, on base images made here under the names they use. */
const daemon = useDaemon({ flags: ["--trust-host-ca"] });
const examples = join(import.meta.dir, "../../examples");

const archive = await reaches("http://deb.debian.org/debian/dists/bookworm/InRelease");
const pypi = await reaches("https://pypi.org/simple/flask/");
if (!archive) console.log("skipped: the Debian archive cannot be reached");
if (!pypi) console.log("skipped: PyPI cannot be reached");

async function reaches(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(10_000) })).ok;
  } catch {
    return false; // no network, which some machines do not have
  }
}

async function build(tag: string, ...words: string[]): Promise<void> {
  const result = await daemon.cli(["build", "-t", tag, ...words], { timeoutMs: 240_000 });
  if (result.exitCode !== 0) throw new Error(`build ${tag}: ${result.stdout}${result.stderr}`);
}

async function page(port: string): Promise<string> {
  return eventually(
    `port ${port}`,
    async () => {
      try {
        return await (await fetch(`http://127.0.0.1:${port}/`)).text();
      } catch {
        return undefined; // the server is not up yet
      }
    },
    20_000,
  );
}

beforeAll(async () => {
  if (!archive) return;
  const made = await runCommand([berthBinary, "image", "bootstrap", "debian:bookworm"], {
    environment: daemon.environment,
    timeoutMs: 240_000,
  });
  if (made.exitCode !== 0) throw new Error(`bootstrap: ${made.stdout}${made.stderr}`);
  await daemon.ok("tag", "debian:bookworm", "ubuntu:18.04");
}, 250_000);

test.if(archive)(
  "FROM ubuntu:18.04, apt-get install curl, COPY, chmod, ENTRYPOINT",
  async () => {
    await build("fetch:v1", join(examples, "curl-ubuntu"));
    await build("hello:v1", join(examples, "hello"));
    const server = await daemon.ok("run", "-d", "hello:v1");
    const address = await daemon.ok("inspect", "-f", "{{.NetworkSettings.IPAddress}}", server);
    expect(
      await daemon.ok("run", "--rm", "fetch:v1", "--retry", "3", "--retry-connrefused", `http://${address}/`),
    ).toMatch(/^200 \d+ bytes$/);
    await daemon.ok("rm", "-f", server);
  },
  280_000,
);

test.if(archive && pypi)(
  "the Flask applications answer Hello, World! on -p 5000:5000",
  async () => {
    const python = await daemon.cli(["build", "-t", "python:3.9-slim-buster", "-"], {
      input: [
        "FROM debian:bookworm",
        "RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-pip python-is-python3 && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED",
        "",
      ].join("\n"),
      timeoutMs: 240_000,
    });
    expect(python.stderr + python.stdout).toContain("Successfully tagged");
    for (const example of ["flask", "flask-app-py"]) {
      await build(`${example}:v1`, join(examples, example));
      const id = await daemon.ok("run", "-d", "-p", "127.0.0.1::5000", `${example}:v1`);
      const port = (await daemon.ok("port", id, "5000")).split(":").at(-1) ?? "";
      expect(await page(port)).toBe("Hello, World!");
      const logs = await daemon.cli(["logs", id]);
      expect(logs.stdout + logs.stderr).toContain("GET / HTTP/1.1");
      await daemon.ok("rm", "-f", id);
    }
  },
  280_000,
);

test("the shell script: ENTRYPOINT with CMD, ENV and USER", async () => {
  await build("greet:v1", join(examples, "shell-script"));
  expect(await daemon.ok("run", "--rm", "-h", "ship", "greet:v1")).toBe(
    "Hello, world! I am nobody in ship, process 1.",
  );
  expect(await daemon.ok("run", "--rm", "-h", "ship", "-e", "GREETING=Hi", "greet:v1", "Ada")).toStartWith("Hi, Ada!");
});

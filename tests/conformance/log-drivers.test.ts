import { afterAll, describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { gunzipSync } from "node:zlib";
import { decodeMultiStream, encode } from "@msgpack/msgpack";
import { eventually, mustRun } from "../engines/command.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

const daemon = useDaemon({ flags: ["--log-opt", "max-size=1m", "--log-opt", "cache-max-size=2m"] });

const closers: (() => void)[] = [];
afterAll(() => {
  for (const close of closers) close();
});

/** A TCP server on 127.0.0.1; `received` is all it got, `answer` is called with each connection. */
async function listenTcp(answer: (socket: Socket) => void = () => {}, port = 0) {
  const sockets = new Set<Socket>();
  let received = Buffer.alloc(0);
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes: Uint8Array) => {
      received = Buffer.concat([received, bytes]);
    });
    answer(socket);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const address = server.address();
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  closers.push(close);
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    text: () => received.toString("utf8"),
    close,
  };
}

/** A UDP socket on 127.0.0.1 with what came, one entry a datagram. */
async function listenUdp() {
  const socket = createSocket("udp4");
  const messages: Buffer[] = [];
  socket.on("message", (message) => messages.push(Buffer.from(message)));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  closers.push(() => socket.close());
  return { port: socket.address().port, messages };
}

const options = (...pairs: string[]) => pairs.flatMap((pair) => ["--log-opt", pair]);

describe("options of log drivers", () => {
  test.each([
    [
      ["--log-driver", "nope"],
      targetIsDockerd ? 'plugin "nope" not found' : "no log driver named 'nope' is registered",
    ],
    [options("nope=1"), "unknown log opt 'nope' for json-file log driver"],
    [["--log-driver", "local", ...options("nope=1")], "unknown log opt 'nope' for log driver local"],
    [["--log-driver", "syslog", ...options("nope=1")], "unknown log opt 'nope' for syslog log driver"],
    [["--log-driver", "syslog", ...options("syslog-address=here")], "should be in form proto://address, got here"],
    [["--log-driver", "syslog", ...options("syslog-facility=nobody")], "invalid syslog facility"],
    [["--log-driver", "syslog", ...options("syslog-format=rfc1")], "Invalid syslog format"],
    [["--log-driver", "syslog", ...options("syslog-address=unix:///no/such")], "no such file or directory"],
    [
      ["--log-driver", "gelf", ...options("gelf-address=http://127.0.0.1:1")], // 20.10 takes it for no URL at all.
      targetIsDockerd ? "gelf-address should be in form" : "endpoint needs to be TCP or UDP",
    ],
    [
      ["--log-driver", "gelf", ...options("gelf-address=udp://127.0.0.1")],
      "please provide gelf-address as proto://host:port",
    ],
    [
      ["--log-driver", "gelf", ...options("gelf-address=udp://127.0.0.1:1", "gelf-compression-type=lz4")],
      'unknown value "lz4" for log opt "gelf-compression-type" for gelf log driver',
    ],
    [
      ["--log-driver", "gelf", ...options("gelf-address=tcp://127.0.0.1:1", "gelf-compression-type=gzip")],
      "compression is only supported on UDP",
    ],
    [
      ["--log-driver", "gelf", ...options("gelf-address=udp://127.0.0.1:1", "gelf-tcp-max-reconnect=1")],
      '"gelf-tcp-max-reconnect" is only valid for TCP',
    ],
    [["--log-driver", "fluentd", ...options("nope=1")], "unknown log opt 'nope' for fluentd log driver"],
    [["--log-driver", "fluentd", ...options("fluentd-address=127.0.0.1:port")], "invalid fluentd-address"],
    [["--log-driver", "journald", ...options("nope=1")], "unknown log opt 'nope' for journald log driver"],
    [options("mode=sometimes"), "logger: logging mode not supported: sometimes"],
    [options("max-buffer-size=1m"), "logger: max-buffer-size option is only supported with 'mode=non-blocking'"],
    [options("mode=non-blocking", "max-buffer-size=big"), "error parsing option max-buffer-size: invalid size: 'big'"],
    [
      ["--log-driver", "syslog", ...options("cache-disabled=perhaps")],
      "invalid value for option cache-disabled: perhaps",
    ],
  ])("create %j is refused", async (flags, sentence) => {
    const refused = await daemon.cli(["create", ...flags, "busybox"]);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(sentence);
  });

  test("the daemon's are inherited by its own driver, those of the cache by all", async () => {
    const [own, other] = [uniqueName(), uniqueName()];
    type LogConfig = { HostConfig: { LogConfig: { Type: string; Config: Record<string, string> } } };
    await daemon.ok("create", "--name", own, "--log-driver", "json-file", ...options("max-file=2"), "busybox");
    expect((await daemon.inspect<LogConfig>(own)).HostConfig.LogConfig).toEqual({
      Type: "json-file",
      Config: { "cache-max-size": "2m", "max-file": "2", "max-size": "1m" },
    });
    await daemon.ok(
      "create",
      "--name",
      other,
      "--log-driver",
      "syslog",
      ...options("syslog-address=udp://127.0.0.1:9"),
      "busybox",
    );
    expect((await daemon.inspect<LogConfig>(other)).HostConfig.LogConfig).toEqual({
      Type: "syslog",
      Config: { "cache-max-size": "2m", "syslog-address": "udp://127.0.0.1:9" },
    });
    await daemon.ok("rm", own, other);
  });

  test("a destination that does not answer keeps the container from starting", async () => {
    const name = uniqueName();
    const gone = await listenTcp();
    gone.close();
    const refused = await daemon.cli([
      "run",
      "-d",
      "--name",
      name,
      "--log-driver",
      "syslog",
      ...options(`syslog-address=tcp://127.0.0.1:${gone.port}`),
      "busybox",
      "true",
    ]);
    expect(refused.exitCode).toBe(125);
    expect(refused.stderr).toContain("failed to initialize logging driver");
    expect(refused.stderr).toContain("connection refused");
    expect(await daemon.ok("inspect", "-f", "{{.State.Status}}", name)).toBe("created");
    await daemon.ok("rm", name);
  });
});

describe("local", () => {
  test("keeps and rotates, and logs reads it", async () => {
    const name = uniqueName();
    await daemon.ok(
      "run",
      "--name",
      name,
      "--log-driver",
      "local",
      ...options("max-size=20k", "max-file=4"),
      "busybox",
      "seq",
      "1",
      "1000",
    );
    await eventually("the log to be read", async () => (await daemon.ok("logs", "--tail", "1", name)) === "1000");
    const lines = (await daemon.ok("logs", name)).split("\n").map(Number);
    expect(lines.at(-1)).toBe(1000);
    expect(lines).toEqual(lines.toSorted((a, b) => a - b));
    expect(await daemon.ok("inspect", "-f", "{{.LogPath}}", name)).toBe("");
    await daemon.ok("rm", name);
  });
});

describe("syslog", () => {
  test("over TCP as RFC 5424 with facility and tag; logs still shows it", async () => {
    const server = await listenTcp();
    const name = uniqueName();
    await daemon.ok(
      "run", "--name", name, "--log-driver", "syslog",
      ...options(`syslog-address=tcp://127.0.0.1:${server.port}`, "syslog-facility=local3", "syslog-format=rfc5424micro", "tag={{.Name}}/{{.ImageName}}"),
      "busybox", "sh", "-c", "echo out; sleep 0.2; echo err >&2",
    ); // prettier-ignore
    await eventually("the messages", () => server.text().includes("err\n"));
    const pattern = (priority: number, text: string) =>
      new RegExp(
        `^<${priority}>1 \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}\\S+ \\S+ ${name}/busybox \\d+ ${name}/busybox - ${text}$`,
        "m",
      );
    // local3 is 19; 6 is info, 3 is err.
    expect(server.text()).toMatch(pattern(19 * 8 + 6, "out"));
    expect(server.text()).toMatch(pattern(19 * 8 + 3, "err"));
    const shown = await daemon.cli(["logs", name]);
    expect([shown.stdout, shown.stderr]).toEqual(["out\n", "err\n"]);
    await daemon.ok("rm", name);
  });

  test("over TLS, each message with its length, to a server whose certificate is known", async () => {
    const [key, cert] = ["key.pem", "cert.pem"].map((name) => join(daemon.directory, name));
    await mustRun([
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
      "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key ?? "", "-out", cert ?? "",
    ]); // prettier-ignore
    let received = "";
    const server = createTlsServer({ key: readFileSync(key ?? ""), cert: readFileSync(cert ?? "") }, (socket) => {
      socket.on("error", () => {});
      socket.on("data", (bytes: Uint8Array) => {
        received += Buffer.from(bytes).toString();
      });
    });
    server.on("tlsClientError", () => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(() => server.close());
    const address = `syslog-address=tcp+tls://localhost:${(server.address() as { port: number }).port}`;
    const start = (...more: string[]) =>
      daemon.cli([
        "run",
        "--rm",
        "--log-driver",
        "syslog",
        ...options(address, "syslog-format=rfc5424", "tag=t", ...more),
        "busybox",
        "echo",
        "secret",
      ]);
    const refused = await start();
    expect(refused.exitCode).toBe(125);
    expect(refused.stderr).toMatch(/certificate/);
    for (const trust of [`syslog-tls-ca-cert=${cert}`, "syslog-tls-skip-verify=true"]) {
      received = "";
      expect((await start(trust)).exitCode).toBe(0);
      await eventually("the message", () => received.endsWith("secret\n"));
      const [, length = "", message = ""] = /^(\d+) (<30>1 .*)$/s.exec(received) ?? [];
      expect(Buffer.byteLength(message)).toBe(Number(length));
    }
  });

  test("over UDP with the default format and the short id", async () => {
    const server = await listenUdp();
    const id = await daemon.ok(
      "run",
      "-d",
      "--log-driver",
      "syslog",
      ...options(`syslog-address=udp://127.0.0.1:${server.port}`),
      "busybox",
      "echo",
      "hello",
    );
    await eventually("the message", () => server.messages.length > 0);
    expect(String(server.messages[0])).toMatch(
      new RegExp(`^<30>[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d ${id.slice(0, 12)}\\[\\d+\\]: hello\\n$`),
    );
    await daemon.ok("rm", "-f", id);
  });

  test("cache-disabled leaves logs nothing to read", async () => {
    const server = await listenUdp();
    const id = await daemon.ok(
      "run",
      "-d",
      "--log-driver",
      "syslog",
      ...options(`syslog-address=udp://127.0.0.1:${server.port}`, "cache-disabled=true"),
      "busybox",
      "echo",
      "hello",
    );
    await eventually("the message", () => server.messages.length > 0);
    const refused = await daemon.cli(["logs", id]);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain("configured logging driver does not support reading");
    await daemon.ok("rm", "-f", id);
  });

  test.skipIf(targetIsDockerd)("a restart policy brings a container back although the server is away", async () => {
    // Docker's own daemon leaves it down.
    const first = await listenTcp();
    const name = uniqueName();
    await daemon.ok(
      "run",
      "-d",
      "--name",
      name,
      "--restart",
      "always",
      "--log-driver",
      "syslog",
      ...options(`syslog-address=tcp://127.0.0.1:${first.port}`),
      "busybox",
      "sh",
      "-c",
      "echo up; sleep 0.3",
    );
    await eventually("the first run", () => first.text().includes(": up\n"));
    first.close();
    await eventually("restarts", async () => Number(await daemon.ok("inspect", "-f", "{{.RestartCount}}", name)) >= 2);
    const second = await listenTcp(() => {}, first.port);
    await eventually("what was said meanwhile", () => (second.text().match(/: up\n/g)?.length ?? 0) >= 2);
    await daemon.ok("rm", "-f", name);
  });

  test("each run of a container is sent once", async () => {
    const server = await listenTcp();
    const name = uniqueName();
    await daemon.ok(
      "run",
      "--name",
      name,
      "--log-driver",
      "syslog",
      ...options(`syslog-address=tcp://127.0.0.1:${server.port}`),
      "busybox",
      "sh",
      "-c",
      "echo run; echo over",
    );
    await daemon.ok("start", "-a", name);
    await daemon.ok("restart", name);
    await daemon.ok("wait", name);
    await eventually("three runs", () => server.text().match(/: over\n/g)?.length === 3);
    expect(server.text().match(/: run\n/g)?.length).toBe(3);
    await daemon.ok("rm", name);
    expect(server.text().match(/: over\n/g)?.length).toBe(3);
  });

  test("--rm sends everything before it removes", async () => {
    const server = await listenTcp();
    await daemon.ok(
      "run",
      "--rm",
      "--log-driver",
      "syslog",
      ...options(`syslog-address=tcp://127.0.0.1:${server.port}`),
      "busybox",
      "seq",
      "1",
      "3000",
    );
    await eventually("the last message", () => server.text().includes(": 3000\n"));
    expect(server.text().split("\n").filter(Boolean).length).toBe(3000);
  });

  test.skipIf(targetIsDockerd)("nothing is lost when the server goes away and the daemon is killed", async () => {
    // Docker's own daemon loses what is written meanwhile.
    const first = await listenTcp();
    const id = await daemon.ok(
      "run", "-d", "--log-driver", "syslog", ...options(`syslog-address=tcp://127.0.0.1:${first.port}`, "syslog-format=rfc5424"),
      "busybox", "sh", "-c", "for i in $(seq 1 60); do echo line $i; sleep 0.05; done",
    ); // prettier-ignore
    await eventually("some lines", () => first.text().includes("line 10\n"));
    first.close();
    await daemon.engine.kill();
    const second = await listenTcp(() => {}, first.port);
    await daemon.engine.start();
    await eventually("the last line", () => second.text().includes("line 60\n"), 10_000);
    const seen = new Set(
      [...`${first.text()}${second.text()}`.matchAll(/line (\d+)\n/g)].map(([, number]) => Number(number)),
    );
    // What the first server's kernel had taken when it went down is the one thing nobody can know about.
    const missing = Array.from({ length: 60 }, (_, index) => index + 1).filter((number) => !seen.has(number));
    expect(missing.length).toBeLessThanOrEqual(1);
    await daemon.ok("rm", "-f", id);
  });
});

describe("gelf", () => {
  const run = (address: string, ...more: string[]) =>
    daemon.ok(
      "run", "-d", "--log-driver", "gelf", ...options(`gelf-address=${address}`, "labels=tier", "env=MODE", ...more),
      "-l", "tier=web", "-e", "MODE=fast", "busybox", "sh", "-c", "echo hello",
    ); // prettier-ignore

  test("over UDP, compressed", async () => {
    const server = await listenUdp();
    const id = await run(`udp://127.0.0.1:${server.port}`);
    await eventually("the message", () => server.messages.length > 0);
    const message = JSON.parse(gunzipSync(server.messages[0] ?? Buffer.alloc(0)).toString()) as Record<string, unknown>;
    expect(message).toMatchObject({
      version: "1.1",
      short_message: "hello",
      level: 6,
      _container_id: id,
      _image_name: "busybox",
      _command: "sh -c echo hello",
      _tag: id.slice(0, 12),
      _tier: "web",
      _MODE: "fast",
    });
    expect(Math.abs((message["timestamp"] as number) - Date.now() / 1000)).toBeLessThan(60);
    await daemon.ok("rm", "-f", id);
  });

  test("over TCP, each message ends with NUL", async () => {
    const server = await listenTcp();
    const id = await run(`tcp://127.0.0.1:${server.port}`, "gelf-tcp-max-reconnect=2");
    await eventually("the message", () => server.text().endsWith("\0"));
    expect(JSON.parse(server.text().slice(0, -1))).toMatchObject({ short_message: "hello", _container_id: id });
    await daemon.ok("rm", "-f", id);
  });
});

describe("fluentd", () => {
  /** Reads events of the Forward protocol, and acknowledges those that ask for it. */
  async function listenFluentd() {
    const events: [string, unknown, Record<string, string>][] = [];
    const server = await listenTcp((socket) => {
      void (async () => {
        for await (const event of decodeMultiStream(socket)) {
          const [tag, time, record, option] = event as [string, unknown, Record<string, string>, { chunk?: string }?];
          events.push([tag, time, record]);
          if (option?.chunk !== undefined) socket.write(encode({ ack: option.chunk }));
        }
      })().catch(() => {});
    });
    return { ...server, events };
  }

  test.each([[[]], [["fluentd-request-ack=true", "fluentd-sub-second-precision=true"]], [["fluentd-async=true"]]])(
    "events arrive with options %j",
    async (more) => {
      const server = await listenFluentd();
      const name = uniqueName();
      const id = await daemon.ok(
        "run", "-d", "--name", name, "--log-driver", "fluentd",
        ...options(`fluentd-address=127.0.0.1:${server.port}`, "tag=docker.{{.Name}}", ...more),
        "busybox", "sh", "-c", "echo out; sleep 0.2; echo err >&2",
      ); // prettier-ignore
      await eventually("the events", () => server.events.length === 2);
      const common = { container_id: id, container_name: `/${name}` };
      expect(server.events.map(([tag, , record]) => [tag, record])).toEqual([
        [`docker.${name}`, { ...common, source: "stdout", log: "out" }],
        [`docker.${name}`, { ...common, source: "stderr", log: "err" }],
      ]);
      expect((await daemon.cli(["logs", name])).stdout).toBe("out\n");
      await daemon.ok("rm", "-f", name);
    },
  );

  test("a line over 16 KiB comes in parts that say so", async () => {
    const server = await listenFluentd();
    const id = await daemon.ok(
      "run", "-d", "--log-driver", "fluentd", ...options(`fluentd-address=tcp://127.0.0.1:${server.port}`),
      "busybox", "sh", "-c", "head -c 40000 /dev/zero | tr '\\0' x; echo; echo short",
    ); // prettier-ignore
    await eventually("the events", () => server.events.length === 4);
    const records = server.events.map(([, , record]) => record);
    expect(records.map(({ log }) => log?.length)).toEqual([16_384, 16_384, 40_000 - 2 * 16_384, 5]);
    expect(records.map((record) => [record["partial_ordinal"], record["partial_last"]])).toEqual([
      ["1", "false"],
      ["2", "false"],
      ["3", "true"],
      [undefined, undefined],
    ]);
    expect(new Set(records.slice(0, 3).map((record) => record["partial_id"])).size).toBe(1);
    await daemon.ok("rm", "-f", id);
  });

  test("async starts although nobody listens yet", async () => {
    const gone = await listenTcp();
    gone.close();
    const id = await daemon.ok(
      "run",
      "-d",
      "--log-driver",
      "fluentd",
      ...options(`fluentd-address=127.0.0.1:${gone.port}`, "fluentd-async=true"),
      "busybox",
      "echo",
      "early",
    );
    expect(await daemon.ok("wait", id)).toBe("0");
    await daemon.ok("rm", "-f", id);
  });
});

describe("journald", () => {
  test("is refused at start where there is no journal", async () => {
    const name = uniqueName();
    const result = await daemon.cli(["run", "--name", name, "--log-driver", "journald", "busybox", "true"]);
    if (await Bun.file("/run/systemd/journal/socket").exists()) expect(result.exitCode).toBe(0);
    else {
      expect(result.exitCode).toBe(125);
      expect(result.stderr).toContain("journald is not enabled on this host");
    }
    await daemon.ok("rm", name);
  });
});

test.skipIf(targetIsDockerd)(
  "splunk takes a container's lines by its HTTP collector; `info` lists the drivers that are there",
  async () => {
    const bodies: string[] = [];
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: async (request) => {
        if (request.headers.get("authorization") !== "Splunk s3cret") return new Response("no", { status: 401 });
        if (request.method === "POST") bodies.push(await request.text());
        return new Response("{}");
      },
    });
    closers.push(() => void server.stop(true));
    const url = `http://127.0.0.1:${server.port}`;
    const name = uniqueName();
    const run = (token: string) =>
      daemon.cli([
        ...["run", "--name", name, "--log-driver", "splunk"],
        ...options(`splunk-url=${url}`, `splunk-token=${token}`, "tag={{.Name}}"),
        ...["busybox", "sh", "-c", "echo one; echo two >&2"],
      ]);
    const refused = await run("wrong");
    expect(refused.stderr).toContain("splunk: failed to verify connection - 401");
    await daemon.ok("rm", name);
    expect((await run("s3cret")).exitCode).toBe(0);
    const events = await eventually("both lines", () => {
      const lines = bodies.flatMap((body) =>
        body.split(/(?<=\})(?=\{)/).map((text) => JSON.parse(text) as { event: unknown }),
      );
      return lines.length === 2 ? lines.map(({ event }) => event) : undefined;
    });
    expect(events).toContainEqual({ line: "one", source: "stdout", tag: name });
    expect(events).toContainEqual({ line: "two", source: "stderr", tag: name });
    // On standard output; the other line is on standard error.
    expect(await daemon.ok("logs", name)).toBe("one");
    await daemon.ok("rm", name);
    const listed = JSON.parse(await daemon.ok("info", "-f", "{{json .Plugins.Log}}")) as string[];
    expect(listed).toEqual([
      "awslogs",
      "fluentd",
      "gcplogs",
      "gelf",
      "journald",
      "json-file",
      "local",
      "splunk",
      "syslog",
    ]);
  },
);

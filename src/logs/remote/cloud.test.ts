import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { LogRecord } from "../contract.ts";
import type { LoggedContainer } from "../options/attributes.ts";
import { logConfiguration } from "../options/log-configuration.ts";
import { connectAwslogs } from "./awslogs.ts";
import { logBatches, logEvents } from "./awslogs-events.ts";
import { connectGcplogs } from "./gcplogs.ts";
import { connectSplunk } from "./splunk.ts";

const container: LoggedContainer = {
  id: "0123456789abcdef".repeat(4),
  name: "web",
  imageId: `sha256:${"a1".repeat(32)}`,
  imageName: "nginx:alpine",
  command: ["nginx", "-g", "daemon off;"],
  created: 0n,
  labels: { tier: "front" },
  environment: ["MODE=fast"],
};

function remoteOf<Driver extends string>(driver: Driver, options: Record<string, string>) {
  const { remote } = logConfiguration(driver, options, container);
  if (remote === undefined) throw new Error(`${driver} sends nothing`);
  return remote;
}
const record = (text: string, atMs = 1_700_000_000_000, stream: LogRecord["stream"] = "stdout"): LogRecord => ({
  time: BigInt(atMs) * 1_000_000n + 123_456n,
  stream,
  line: Buffer.from(text),
});
const all = { isLast: true };

type Asked = { readonly method: string; readonly path: string; readonly headers: Headers; readonly body: string };

/** A server that remembers what it was asked, and answers what it is told. */
function listen(answer: (asked: Asked) => Response | undefined) {
  const asked: Asked[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const bytes = Buffer.from(await request.arrayBuffer());
      const isCompressed = request.headers.get("content-encoding") === "gzip";
      const one: Asked = {
        method: request.method,
        path: new URL(request.url).pathname,
        headers: request.headers,
        body: (isCompressed ? gunzipSync(bytes) : bytes).toString(),
      };
      asked.push(one);
      return answer(one) ?? new Response("{}");
    },
  });
  return { asked, url: `http://127.0.0.1:${server.port}`, stop: () => server.stop(true) };
}

const environmentBefore = { ...process.env };
let server: ReturnType<typeof listen> | undefined;
const serve = (answer: (asked: Asked) => Response | undefined = () => undefined) => (server = listen(answer));
afterEach(async () => {
  await server?.stop();
  server = undefined;
  for (const name of Object.keys(process.env)) if (!(name in environmentBefore)) delete process.env[name];
  Object.assign(process.env, environmentBefore);
});

describe("splunk", () => {
  const options = (url: string, more: Record<string, string> = {}) => {
    const remote = remoteOf("splunk", { "splunk-url": url, "splunk-token": "s3cret", ...more });
    if (remote.destination.driver !== "splunk") throw new Error("not splunk");
    return [remote, remote.destination.splunk] as const;
  };
  const documents = (body: string): unknown[] => body.split(/(?<=\})(?=\{)/).map((text) => JSON.parse(text) as unknown);

  test("looks whether the collector is there, then sends events with Docker's fields", async () => {
    const { url, asked } = serve();
    const sender = await connectSplunk(
      ...options(url, {
        "splunk-source": "s",
        "splunk-sourcetype": "t",
        "splunk-index": "i",
        labels: "tier",
        tag: "{{.Name}}",
      }),
    );
    await sender.send([record("one\n"), record("two\n", 1_700_000_000_500, "stderr")], all);
    expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "OPTIONS /services/collector/event/1.0",
      "POST /services/collector/event/1.0",
    ]);
    expect(asked[1]?.headers.get("authorization")).toBe("Splunk s3cret");
    const shared = { host: expect.any(String), source: "s", sourcetype: "t", index: "i" };
    const event = { tag: "web", attrs: { tier: "front" } };
    expect(documents(asked[1]?.body ?? "")).toEqual([
      { event: { line: "one", source: "stdout", ...event }, time: "1700000000.000123", ...shared },
      { event: { line: "two", source: "stderr", ...event }, time: "1700000000.500123", ...shared },
    ]);
  });

  test("formats, compression and acknowledgements are as asked for", async () => {
    const { url, asked } = serve();
    const raw = await connectSplunk(...options(url, { "splunk-format": "raw", "splunk-gzip": "true", env: "MODE" }));
    await raw.send([record("one\n"), record("  \n")], all);
    expect(asked[1]?.headers.get("content-encoding")).toBe("gzip");
    expect(documents(asked[1]?.body ?? "")).toMatchObject([{ event: `${container.id.slice(0, 12)} MODE=fast one` }]);
    const json = await connectSplunk(
      ...options(url, {
        "splunk-format": "json",
        "splunk-verify-connection": "false",
        "splunk-index-acknowledgment": "true",
      }),
    );
    await json.send([record('{"a":1}\n'), record("plain\n")], all);
    expect(asked.length).toBe(3);
    expect(asked[2]?.headers.get("x-splunk-request-channel")).toMatch(/^[0-9a-f-]{36}$/);
    expect(documents(asked[2]?.body ?? "")).toMatchObject([
      { event: { line: { a: 1 } } },
      { event: { line: "plain" } },
    ]);
  });

  test("what the collector refuses is an error, so that records are sent again", async () => {
    const { url } = serve(({ method }) =>
      method === "POST" ? new Response('{"text":"Invalid token"}', { status: 403 }) : undefined,
    );
    const sender = await connectSplunk(...options(url));
    expect(sender.send([record("x\n")], all)).rejects.toThrow("splunk: failed to send event - 403 Forbidden");
    expect(connectSplunk(...options("http://127.0.0.1:1"))).rejects.toThrow("splunk: failed to verify connection");
  });

  test.each([
    [{}, "splunk: splunk-url is expected"],
    [{ "splunk-url": "http://h:1" }, "splunk: splunk-token is expected"],
    [{ "splunk-url": "http://h:1/x", "splunk-token": "t" }, "expected format scheme://dns_name_or_ip:port"],
    [{ "splunk-url": "http://h:1", "splunk-token": "t", "splunk-format": "xml" }, "unknown format specified xml"],
    [{ "splunk-url": "http://h:1", "splunk-token": "t", "splunk-gzip-level": "12" }, "not supported level '12'"],
    [
      { "splunk-url": "http://h:1", "splunk-token": "t", colour: "red" },
      "unknown log opt 'colour' for splunk log driver",
    ],
  ])("refuses %p", (given, message) => {
    expect(() => remoteOf("splunk", given)).toThrow(message);
  });
});

describe("awslogs", () => {
  beforeEach(() => {
    process.env["AWS_ACCESS_KEY_ID"] = "AKIDEXAMPLE";
    process.env["AWS_SECRET_ACCESS_KEY"] = "secret";
  });
  const connect = (endpoint: string, more: Record<string, string> = {}) => {
    const remote = remoteOf("awslogs", {
      "awslogs-group": "g",
      "awslogs-region": "eu-central-1",
      "awslogs-endpoint": endpoint,
      ...more,
    });
    if (remote.destination.driver !== "awslogs") throw new Error("not awslogs");
    return connectAwslogs(remote, remote.destination.awslogs);
  };
  const action = ({ headers }: Asked): string => headers.get("x-amz-target")?.split(".").at(-1) ?? "";
  const refusal = (type: string): Response =>
    Response.json({ __type: type, message: "no" }, { status: 400, headers: { "x-amzn-errortype": type } });

  test("makes group and stream, then puts events, signed", async () => {
    let groups = 0;
    const { url, asked } = serve((one) => {
      if (action(one) === "CreateLogGroup") groups++;
      return action(one) === "CreateLogStream" && groups === 0 ? refusal("ResourceNotFoundException") : undefined;
    });
    const sender = await connect(url, { "awslogs-create-group": "true", tag: "{{.Name}}/x" });
    expect(await sender.send([record("one\n"), record("\n"), record("two\n", 1_700_000_000_001)], all)).toBe(3);
    expect(asked.map(action)).toEqual(["CreateLogStream", "CreateLogGroup", "CreateLogStream", "PutLogEvents"]);
    const put = asked[3];
    expect(put?.headers.get("authorization")).toContain("AKIDEXAMPLE/");
    expect(put?.headers.get("authorization")).toContain("/eu-central-1/logs/aws4_request");
    expect(JSON.parse(put?.body ?? "")).toEqual({
      logGroupName: "g",
      logStreamName: "web/x",
      logEvents: [
        { timestamp: 1_700_000_000_000, message: "one" },
        { timestamp: 1_700_000_000_001, message: "two" },
      ],
    });
    sender.close();
  });

  test("a stream that is there serves; a group that is not is an error; what is refused is sent again", async () => {
    let answers: Record<string, string> = { CreateLogStream: "ResourceAlreadyExistsException" };
    const { url, asked } = serve((one) => {
      const type = answers[action(one)];
      return type === undefined ? undefined : refusal(type);
    });
    const sender = await connect(url, { "awslogs-stream": "mine", "awslogs-format": "json/emf" });
    await sender.send([record("x\n")], all);
    expect(asked.at(-1)?.headers.get("x-amzn-logs-format")).toBe("json/emf");
    expect(JSON.parse(asked.at(-1)?.body ?? "")).toMatchObject({ logStreamName: "mine" });
    answers = { PutLogEvents: "AccessDeniedException" };
    expect(sender.send([record("x\n")], all)).rejects.toThrow();
    answers = { CreateLogStream: "ResourceNotFoundException" };
    expect(connect(url)).rejects.toThrow("failed to create Cloudwatch log stream");
    sender.close();
  });

  test("the region is that of the instance where nobody names one", async () => {
    for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION"]) delete process.env[name];
    const { url, asked } = serve(({ path }) => {
      if (path === "/latest/api/token") return new Response("token");
      return path === "/latest/meta-data/placement/region" ? new Response("ap-south-1") : undefined;
    });
    process.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = url;
    const sender = await connect(url, { "awslogs-region": "" });
    expect(asked.find(({ path }) => path.endsWith("region"))?.headers.get("x-aws-ec2-metadata-token")).toBe("token");
    expect(asked.at(-1)?.headers.get("authorization")).toContain("/ap-south-1/logs/");
    sender.close();
  });

  test("logEvents() joins the lines of an event, and leaves the last while it may grow", () => {
    const records = [record("INFO a\n"), record(" more\n"), record("INFO b\n"), record(" rest\n")];
    const start = /^INFO/;
    expect(logEvents(records, start, false)).toMatchObject({ events: [{ message: "INFO a\n more" }], taken: 2 });
    expect(logEvents(records, start, true)).toMatchObject({
      events: [{ message: "INFO a\n more" }, { message: "INFO b\n rest" }],
      taken: 4,
    });
    // A line in several records is one event, whatever the other stream says in between.
    const long = [record("x".repeat(10)), record("error\n", 1, "stderr"), record("end\n")];
    expect(logEvents(long, undefined, false).taken).toBe(3);
  });

  test("logEvents() and logBatches() keep the service's limits", () => {
    const big = logEvents([record(`${"é".repeat(200_000)}\n`)], undefined, true).events;
    expect(big.map(({ message }) => Buffer.byteLength(message) <= 262_118)).toEqual([true, true]);
    expect(big.map(({ message }) => message).join("")).toBe("é".repeat(200_000));
    const event = (timestamp: number, bytes = 1) => ({ timestamp, message: "m".repeat(bytes) });
    expect(logBatches([event(2), event(1)])).toEqual([[event(1), event(2)]]);
    expect(logBatches(Array.from({ length: 10_001 }, () => event(1))).map(({ length }) => length)).toEqual([10_000, 1]);
    expect(logBatches(Array.from({ length: 5 }, () => event(1, 250_000))).length).toBe(2);
    expect(logBatches([event(0), event(24 * 3600 * 1000)]).length).toBe(2);
  });

  test.each([
    [{}, "must specify a value for log opt 'awslogs-group'"],
    [{ "awslogs-group": "g", "awslogs-datetime-format": "%Y", "awslogs-multiline-pattern": "x" }, "at the same time"],
    [
      { "awslogs-group": "g", "awslogs-create-group": "maybe" },
      "must specify valid value for log opt 'awslogs-create-group'",
    ],
    [{ "awslogs-group": "g", "awslogs-multiline-pattern": "(" }, "could not parse multiline pattern"],
    [{ "awslogs-group": "g", "awslogs-format": "xml" }, "unsupported log format 'xml'"],
    [{ "awslogs-group": "g", "awslogs-format": "json/emf", "awslogs-datetime-format": "%Y" }, "is set to 'json/emf'"],
    [{ "awslogs-group": "g", "awslogs-max-buffered-events": "0" }, "must specify a positive integer"],
    [{ "awslogs-group": "g", colour: "red" }, "unknown log opt 'colour' for awslogs log driver"],
  ])("refuses %p", (given, message) => {
    expect(() => remoteOf("awslogs", given)).toThrow(message);
  });

  test("a date's format finds the lines that begin with one", () => {
    const { destination } = remoteOf("awslogs", {
      "awslogs-group": "g",
      "awslogs-datetime-format": "\\[%b %d, %Y %H:%M:%S\\]",
    });
    const start = destination.driver === "awslogs" ? destination.awslogs.eventStart : undefined;
    expect(start?.test("[May 01, 2017 19:00:01] x")).toBe(true);
    expect(start?.test("   at line 3")).toBe(false);
  });
});

describe("gcplogs", () => {
  const scratch = mkdtempSync(join(tmpdir(), "berth-gcplogs-"));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  const connect = (url: string, options: Record<string, string> = {}) => {
    // Credentials whose token comes from an address that they name, as of workloads outside Google's cloud.
    writeFileSync(join(scratch, "subject"), "subject-token");
    const key = {
      type: "external_account",
      audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: `${url}/token`,
      credential_source: { file: join(scratch, "subject") },
    };
    writeFileSync(join(scratch, "key.json"), JSON.stringify(key));
    process.env["GOOGLE_APPLICATION_CREDENTIALS"] = join(scratch, "key.json");
    const remote = remoteOf("gcplogs", options);
    if (remote.destination.driver !== "gcplogs") throw new Error("not gcplogs");
    return connectGcplogs(remote, remote.destination.gcplogs, url);
  };
  const token = ({ path }: Asked): Response | undefined =>
    path === "/token" || path.endsWith("/token")
      ? Response.json({ access_token: "ya29.test", expires_in: 3600, token_type: "Bearer" })
      : undefined;

  test("tries the way, then writes entries with Docker's payload and ids of their own", async () => {
    const { url, asked } = serve(token);
    const sender = await connect(url, {
      "gcp-project": "p",
      "gcp-log-cmd": "true",
      "gcp-meta-name": "vm",
      labels: "tier",
    });
    await sender.send([record("one\n")], all);
    await sender.send([record("one\n")], all);
    expect(asked.at(-1)?.headers.get("authorization")).toBe("Bearer ya29.test");
    const writes = asked
      .filter(({ path }) => path === "/v2/entries:write")
      .map(({ body }) => JSON.parse(body) as { entries: { insertId?: string }[] });
    expect(writes[0]).toMatchObject({ dryRun: true, logName: "projects/p/logs/gcplogs-docker-driver" });
    expect(writes[1]).toMatchObject({
      dryRun: false,
      partialSuccess: true,
      logName: "projects/p/logs/gcplogs-docker-driver",
      resource: { type: "global", labels: { project_id: "p" } },
      entries: [
        {
          timestamp: "2023-11-14T22:13:20.000123456Z",
          jsonPayload: {
            instance: { name: "vm" },
            container: {
              name: "/web",
              id: container.id,
              imageName: "nginx:alpine",
              command: "nginx -g daemon off;",
              metadata: { tier: "front" },
            },
            message: "one",
          },
        },
      ],
    });
    expect(writes[2]?.entries[0]?.insertId).toBe(writes[1]?.entries[0]?.insertId ?? "none");
  });

  test("who may not write is told at the start; an unknown option is refused", async () => {
    const { url } = serve(
      (one) => token(one) ?? Response.json({ error: { code: 403, message: "denied" } }, { status: 403 }),
    );
    expect(connect(url, { "gcp-project": "p" })).rejects.toThrow(
      "unable to connect or authenticate with Google Cloud Logging",
    );
    expect(() => remoteOf("gcplogs", { tag: "x" })).toThrow('"tag" is not a valid option for the gcplogs driver');
  });
});

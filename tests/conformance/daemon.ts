import { afterAll, beforeAll, expect } from "bun:test";
import { connect, type Socket } from "node:net";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { busyboxArchive } from "../engines/busybox-image.ts";
import { type CommandOptions, type CommandResult, runCommand } from "../engines/command.ts";
import { type EngineOptions, type EngineProcess, startEngine } from "../engines/engine.ts";
import { canWatch, type WatchedSocket, watchSocket } from "../schema/watched-socket.ts";
import { differences, snapshot, type Snapshot } from "../system/leak-oracle.ts";

/** An answer of the API, read to its end. */
export type ApiAnswer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; throws when it is none. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says which document it expects
  json<Body = Record<string, unknown>>(): Body;
};

/** The daemon a test file talks to, and the clients it talks with. */
export type Daemon = {
  readonly engine: EngineProcess;
  /** A scratch directory of this test file. */
  readonly directory: string;
  /** Environment for clients: DOCKER_HOST and a configuration of its own. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs the client (the docker CLI, or the one CONFORMANCE_CLI names). Never throws for an exit code. */
  cli(words: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** Runs the client, which must succeed, and returns what it printed, without the final newline. */
  ok(...words: string[]): Promise<string>;
  /** `ok("inspect", …)` parsed. */
  inspect<Document = Record<string, never>>(name: string): Promise<Document>;
  /** One request to the API on a connection of its own. */
  api(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<ApiAnswer>;
  /** A connection to the socket, for tests that speak HTTP by hand. */
  connect(): Promise<Socket>;
};

/** Whether the tests run against Debian's dockerd, to test the tests themselves. */
export const targetIsDockerd = process.env["CONFORMANCE_TARGET"] === "dockerd";

/** The client under test: `docker`, or another with the same words. */
export const client = process.env["CONFORMANCE_CLI"] ?? "docker";

/**
 * Starts a daemon for this test file, with `busybox:latest` loaded, and stops it at the end.
 * At the end every container and network the tests left is removed, and then nothing of the daemon's may be left on the host.
 */
export function useDaemon(options: EngineOptions = {}): Daemon {
  let engine: EngineProcess | undefined;
  let before: Snapshot | undefined;
  let watched: WatchedSocket | undefined;
  let directory = "";
  const running = (): EngineProcess => {
    if (engine === undefined) throw new Error("the daemon is not running");
    return engine;
  };
  const daemon: Daemon = {
    get engine() {
      return running();
    },
    get directory() {
      return directory;
    },
    get environment() {
      return {
        DOCKER_HOST: running().host,
        BERTH_HOST: running().host,
        DOCKER_CONFIG: join(directory, "docker-config"),
        BERTH_CONFIG: "",
        DOCKER_BUILDKIT: "0",
        DOCKER_CLI_HINTS: "false",
      };
    },
    cli: (words, commandOptions = {}) =>
      runCommand([client, ...words], {
        ...commandOptions,
        environment: { ...daemon.environment, ...commandOptions.environment },
      }),
    async ok(...words) {
      const result = await daemon.cli(words);
      if (result.exitCode !== 0)
        throw new Error(`${client} ${words.join(" ")}: exit ${result.exitCode}\n${result.stdout}${result.stderr}`);
      return result.stdout.replace(/\n$/, "");
    },
    async inspect<Document>(name: string) {
      const [document] = JSON.parse(await daemon.ok("inspect", name)) as Document[];
      if (document === undefined) throw new Error(`inspect ${name} printed nothing`);
      return document;
    },
    api: (method, path, body, headers) => requestApi(running().socket, method, path, body, headers),
    connect: () =>
      new Promise((resolve, reject) => {
        const socket = connect({ path: running().socket, allowHalfOpen: true });
        socket.once("connect", () => resolve(socket));
        socket.once("error", reject);
      }),
  };

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "berth-conformance-"));
    mkdirSync(join(directory, "docker-config"));
    engine = await startEngine(targetIsDockerd ? "dockerd" : "berth", options);
    if (!targetIsDockerd && canWatch()) {
      watched = await watchSocket(join(directory, "watched.sock"), engine.socket);
      engine = { ...engine, socket: watched.path, host: `unix://${watched.path}` };
    }
    await daemon.ok("load", "-q", "-i", await busyboxArchive());
    // The bridge and its rules are made with the first container and stay.
    await daemon.ok("run", "--rm", "busybox", "true");
    before = await snapshot(engine);
  }, 60_000);

  afterAll(async () => {
    try {
      await removeEverything(daemon);
      // dockerd removes namespace files once a minute and knows no promise about it.
      if (before !== undefined && !targetIsDockerd) {
        const left = await differences(before, running());
        expect(left).toEqual([]);
      }
      expect(watched?.problems() ?? []).toEqual([]);
    } finally {
      watched?.close();
      await engine?.destroy();
      rmSync(directory, { recursive: true, force: true });
    }
  }, 60_000);
  return daemon;
}

let counter = 0;

/** A name that no other test uses. */
export function uniqueName(prefix = "test"): string {
  counter += 1;
  return `${prefix}-${process.pid.toString(36)}-${counter}`;
}

async function removeEverything(daemon: Daemon): Promise<void> {
  const ids = (await daemon.ok("ps", "-aq", "--no-trunc")).split("\n").filter(Boolean);
  if (ids.length > 0) await daemon.ok("rm", "-f", "-v", ...ids);
  const networks = (await daemon.ok("network", "ls", "-q", "--filter", "type=custom")).split("\n").filter(Boolean);
  if (networks.length > 0) await daemon.ok("network", "rm", ...networks);
}

async function requestApi(
  socket: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<ApiAnswer> {
  const encoded =
    body === undefined || typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  const response = await fetch(`http://localhost${path}`, {
    method,
    unix: socket,
    headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers, Connection: "close" },
    body: encoded as string | undefined,
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as in ApiAnswer
    json: <Body>() => JSON.parse(text) as Body,
  };
}

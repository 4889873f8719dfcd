import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, mustRun, runCommand } from "./command.ts";
import { isAlive, signalProcess } from "./process.ts";

/** Debian's docker-registry (distribution 2.8), whose files live in one temporary directory. */
export type DockerRegistry = {
  readonly directory: string;
  /** `127.0.0.1:PORT`; with TLS the certificate is for `localhost` and 127.0.0.1. */
  readonly host: string;
  readonly logFile: string;
  /** Requests so far, from its access log: "GET /v2/…". */
  requests(): readonly string[];
  /** SIGTERM, then starts it again on the same port. */
  restart(): Promise<void>;
  destroy(): Promise<void>;
};

export type DockerRegistryOptions = {
  /** Paths of a certificate and its key. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly clientAuthority?: string } | undefined;
  /** A htpasswd file (bcrypt). */
  readonly htpasswd?: string | undefined;
  /** Run it in this network namespace (a path). */
  readonly networkNamespace?: string | undefined;
  /** Keep the files here instead of in a directory of its own. */
  readonly dataDirectory?: string | undefined;
  /** A token service. */
  readonly token?: {
    readonly realm: string;
    readonly service: string;
    readonly issuer: string;
    readonly bundle: string;
  };
};

/** True where the package docker-registry is installed. */
export const hasDockerRegistry = existsSync("/usr/bin/docker-registry");

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Starts one and waits until it answers. */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const directory = mkdtempSync(join(tmpdir(), "docker-registry-test-"));
  const port = await freePort();
  const logFile = join(directory, "log");
  mkdirSync(join(directory, "data"));
  const auth =
    options.htpasswd === undefined
      ? options.token === undefined
        ? {}
        : {
            auth: {
              token: {
                realm: options.token.realm,
                service: options.token.service,
                issuer: options.token.issuer,
                rootcertbundle: options.token.bundle,
              },
            },
          }
      : { auth: { htpasswd: { realm: "test", path: options.htpasswd } } };
  const tls = options.tls;
  const configuration = {
    version: 0.1,
    log: { level: "info", accesslog: { disabled: false } },
    storage: {
      filesystem: { rootdirectory: options.dataDirectory ?? join(directory, "data") },
      delete: { enabled: true },
    },
    http: {
      addr: `127.0.0.1:${port}`,
      ...(tls === undefined
        ? {}
        : {
            tls: {
              certificate: tls.certificate,
              key: tls.key,
              ...(tls.clientAuthority === undefined ? {} : { clientcas: [tls.clientAuthority] }),
            },
          }),
    },
    ...auth,
  };
  // YAML is a superset of JSON.
  writeFileSync(join(directory, "config.yml"), JSON.stringify(configuration));
  const inside = options.networkNamespace === undefined ? [] : ["nsenter", `--net=${options.networkNamespace}`];
  let pid = 0;
  const start = async () => {
    pid = Number(
      await mustRun([
        "sh",
        "-c",
        'log=$1; shift; setsid "$@" </dev/null >>"$log" 2>&1 & echo $!',
        "sh",
        logFile,
        ...inside,
        "docker-registry",
        "serve",
        join(directory, "config.yml"),
      ]),
    );
    await eventually("docker-registry to listen", async () => {
      if (!isAlive(pid)) throw new Error(`docker-registry ended:\n${readFileSync(logFile, "utf8")}`);
      const probe = `exec 3<>/dev/tcp/127.0.0.1/${port}`;
      return (await runCommand([...inside, "bash", "-c", probe])).exitCode === 0;
    });
  };
  const end = async () => {
    if (!isAlive(pid)) return;
    signalProcess(pid, "SIGKILL");
    await eventually("docker-registry to end", () => !isAlive(pid));
  };
  const registry: DockerRegistry = {
    directory,
    host: `127.0.0.1:${port}`,
    logFile,
    requests: () =>
      [...readFileSync(logFile, "utf8").matchAll(/"((?:GET|HEAD|PUT|POST|PATCH|DELETE) \S+) HTTP\/1\.1" (\d{3})/g)].map(
        ([, request = "", status = ""]) => `${request} ${status}`,
      ),
    restart: async () => {
      await end();
      await start();
    },
    destroy: async () => {
      await end();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await start();
  } catch (error) {
    await registry.destroy();
    throw error;
  }
  return registry;
}

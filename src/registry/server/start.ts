import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { errorMessage, type Logger } from "#base";
import { SYS, trySyscall } from "#linux";
import { openAccess } from "./access/access.ts";
import { serverErrors } from "./errors.ts";
import { collectGarbage, type GarbageReport } from "./garbage/collect.ts";
import { handleRequest } from "./http/dispatch.ts";
import type { RegistryParts } from "./http/parts.ts";
import { createMetrics } from "./metrics.ts";
import { createMirror } from "./mirror/mirror.ts";
import { openRepositories } from "./repositories/repositories.ts";
import type { RegistryServerSettings } from "./settings.ts";
import { openDiskObjects } from "./storage/disk-objects.ts";
import { openUploadSessions } from "./uploads/sessions.ts";

/** A registry that serves. */
export type RegistryServer = {
  /** Where it listens: "http://127.0.0.1:5000". */
  readonly addresses: readonly string[];
  /** Runs now; waits for one that runs already. */
  collectGarbage(): Promise<GarbageReport>;
  /** Reads certificates again; connections that are open go on. */
  reload(): void;
  /** Lets requests that are under way finish for some seconds. */
  stop(): Promise<void>;
};

const LOCK_EX = 2;
const LOCK_NB = 4;
/** A connection without a byte for so long is closed. Bun allows no more than 255. */
const IDLE_SECONDS = 120;
const STOP_PATIENCE_MS = 5000;

/** Takes the root for this process (flock(2): gone with the process, however it ends). */
function claimRoot(root: string): () => void {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const fd = openSync(join(root, "lock"), "a", 0o600);
  if (trySyscall(SYS.flock, fd, LOCK_EX | LOCK_NB) < 0) {
    closeSync(fd);
    throw serverErrors.servedRootInUse(root);
  }
  return () => closeSync(fd);
}

type Address = { readonly unix: string } | { readonly hostname: string; readonly port: number };

/** `host:port`, `[::1]:port`, `:port` for all addresses, `unix:///path`. */
function parseAddress(text: string): Address {
  if (text.startsWith("unix://")) return { unix: text.slice("unix://".length) };
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    throw serverErrors.servedFlagInvalid("listen", text, "HOST:PORT or unix:///PATH");
  return { hostname: match[1] ?? (match[2] === "" ? "0.0.0.0" : (match[2] ?? "")), port };
}

async function openObjects(settings: RegistryServerSettings) {
  if (settings.s3 === undefined) return openDiskObjects(settings.root);
  const { openS3Objects } = await import("./storage/s3-objects.ts");
  return openS3Objects(settings.s3);
}

async function openMirror(
  settings: RegistryServerSettings,
  parts: Omit<Parameters<typeof createMirror>[0], "mirrors" | "connect" | "directory">,
) {
  if (settings.mirrors.length === 0) return undefined;
  const { openUpstream } = await import("./mirror/open-upstream.ts");
  const connections = new Map(settings.mirrors.map((options) => [options, openUpstream(options)]));
  return createMirror({
    ...parts,
    mirrors: settings.mirrors,
    directory: settings.root,
    connect: (options, path) => (connections.get(options) ?? openUpstream(options))(path),
  });
}

/** Starts a registry. The root belongs to one process at a time; throws conflict when another has it. */
export async function startRegistryServer(settings: RegistryServerSettings, logger: Logger): Promise<RegistryServer> {
  const addresses = settings.listen.map(parseAddress);
  await using started = new AsyncDisposableStack();
  const release = claimRoot(settings.root);
  started.defer(release);

  const objects = await openObjects(settings);
  const repositories = openRepositories(objects);
  const uploads = openUploadSessions(join(settings.root, "uploads"), { limit: settings.maximumUploads });
  const metrics = createMetrics();
  metrics.gauge("berth_registry_uploads", "Uploads under way.", uploads.count);
  const parts: RegistryParts = {
    repositories,
    uploads,
    metrics,
    logger,
    access: await openAccess(settings.access, settings.root, logger),
    mirror: await openMirror(settings, { repositories, metrics, logger }),
    readOnly: settings.readOnly,
    deletes: settings.deletes,
    acceptsSparse: settings.acceptsSparse,
    manifestLimit: settings.manifestLimit,
  };

  const listen = (address: Address, reusePort: boolean) => {
    if ("unix" in address) rmSync(address.unix, { force: true });
    const options = {
      development: false,
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      ...(settings.tls === undefined
        ? {}
        : {
            tls: {
              cert: readFileSync(settings.tls.certificate),
              key: readFileSync(settings.tls.key),
              ...(settings.tls.clientAuthorities === undefined
                ? {}
                : { ca: readFileSync(settings.tls.clientAuthorities), requestCert: true, rejectUnauthorized: true }),
            },
          }),
      fetch: (request: Request) => handleRequest(parts, request),
      error: (error: Error) => {
        logger.error("request failed", { error: error.message });
        return new Response(null, { status: 500 });
      },
    } as const;
    return "unix" in address
      ? Bun.serve({ ...address, ...options })
      : Bun.serve({ ...address, ...options, reusePort, idleTimeout: IDLE_SECONDS });
  };
  let listeners: ReturnType<typeof listen>[] = [];
  started.defer(async () => {
    const stopping = Promise.all(listeners.map((listener) => listener.stop(false)));
    // Connections without a request are not waited for.
    const isIdle = () => listeners.every((listener) => listener.pendingRequests === 0);
    if (!isIdle()) await Promise.race([stopping, Bun.sleep(STOP_PATIENCE_MS)]);
    await Promise.all(listeners.map((listener) => listener.stop(true)));
  });
  for (const address of addresses) listeners.push(listen(address, settings.tls !== undefined));

  let collecting: Promise<GarbageReport> | undefined;
  const collect = () => {
    collecting ??= (async () => {
      const expired = await uploads.sweep(settings.uploadExpiryMs);
      const report = await collectGarbage(
        { objects, repositories, logger },
        { graceMs: settings.garbageGraceMs, rules: settings.retention },
      );
      metrics.add("berth_registry_garbage_runs_total", 1, { result: "ok" });
      metrics.add("berth_registry_garbage_bytes_total", report.reclaimedBytes);
      logger.info("garbage collected", { ...report, expiredUploads: expired });
      return report;
    })().finally(() => (collecting = undefined));
    return collecting;
  };
  if (settings.garbageIntervalMs > 0 && !settings.readOnly) {
    const timer = setInterval(() => {
      collect().catch((error: unknown) => {
        metrics.add("berth_registry_garbage_runs_total", 1, { result: "failed" });
        logger.error("garbage could not be collected", { error: errorMessage(error) });
      });
    }, settings.garbageIntervalMs);
    timer.unref();
    started.defer(() => clearInterval(timer));
  }
  started.defer(async () => void (await collecting?.catch(() => undefined)));

  const running = started.move();
  return {
    addresses: listeners.map((listener) => listener.url.href.replace(/\/$/, "")),
    collectGarbage: collect,
    reload: () => {
      if (settings.tls === undefined) return;
      // New ones first: if a certificate cannot be read, the old ones go on.
      const fresh = addresses.map((address, index) =>
        listen("unix" in address ? address : { ...address, port: listeners[index]?.port ?? address.port }, true),
      );
      const old = listeners;
      listeners = fresh;
      for (const listener of old) void listener.stop(false);
      logger.info("certificates read again");
    },
    stop: () => running.disposeAsync(),
  };
}

/** A state root, a busybox root file system and a client, made for one test file and removed after it. */
import { spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Duplex } from "node:stream";
import { newId, silentLogger } from "#base";
import { childCgroups, detectCgroups, openCgroup } from "#cgroups";
import {
  connectSupervisor,
  type LogTarget,
  type ProcessExit,
  type ProcessStreams,
  type RunRequest,
  type SupervisorClient,
} from "#supervisor";

const RUNTIMES = { crun: "/usr/bin/crun", runc: "/usr/sbin/runc" } as const;

export type Bench = {
  readonly root: string;
  readonly client: SupervisorClient;
  readonly exits: Map<string, ProcessExit>;
  supervisorPid(): number;
  request(args: readonly string[], options?: RequestOptions): RunRequest;
  run(args: readonly string[], options?: RequestOptions): Promise<{ id: string; logPath: string; request: RunRequest }>;
  exit(id: string): Promise<ProcessExit>;
  close(): Promise<void>;
};

export type RequestOptions = {
  readonly streams?: Partial<ProcessStreams>;
  readonly log?: Partial<Extract<LogTarget, { driver: "json-file" }>>;
  readonly id?: string;
};

function capabilities(): string[] {
  return ["CAP_KILL", "CAP_SETUID", "CAP_SETGID"];
}

/** A config.json by hand: what is tested here needs no engine. */
export function config(
  rootfs: string,
  args: readonly string[],
  terminal: boolean,
  consoleSize: ProcessStreams["consoleSize"] | undefined,
  cgroupsPath: string,
): unknown {
  const set = capabilities();
  return {
    ociVersion: "1.0.2",
    process: {
      terminal,
      ...(consoleSize === undefined ? {} : { consoleSize }),
      user: { uid: 0, gid: 0 },
      args,
      env: ["PATH=/bin", "TERM=xterm"],
      cwd: "/",
      capabilities: { bounding: set, effective: set, permitted: set },
    },
    root: { path: rootfs, readonly: false },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc", options: [] },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["mode=755"] },
      {
        destination: "/dev/pts",
        type: "devpts",
        source: "devpts",
        options: ["newinstance", "ptmxmode=0666", "mode=620"],
      },
    ],
    linux: {
      cgroupsPath,
      namespaces: [{ type: "pid" }, { type: "mount" }, { type: "ipc" }, { type: "uts" }, { type: "network" }],
    },
  };
}

export async function openBench(runtimeName: keyof typeof RUNTIMES = "runc"): Promise<Bench> {
  const root = mkdtempSync(join(tmpdir(), "berth-sup-"));
  const cgroupParent = `/${basename(root)}`;
  const rootfs = join(root, "rootfs");
  for (const folder of ["bin", "proc", "dev", "tmp"]) mkdirSync(join(rootfs, folder), { recursive: true });
  copyFileSync("/bin/busybox", join(rootfs, "bin/busybox"));
  for (const name of ["sh", "cat", "true", "echo", "sleep", "seq", "head", "stty", "tty", "wc", "yes", "kill"]) {
    symlinkSync("busybox", join(rootfs, "bin", name));
  }
  const stateRoot = join(root, "state");
  const socketPath = join(root, "s.sock");
  const exits = new Map<string, ProcessExit>();
  const waiters = new Map<string, ((exit: ProcessExit) => void)[]>();
  const runtime = { name: runtimeName, path: RUNTIMES[runtimeName], root: join(root, "runtime") };
  const client = await connectSupervisor({
    socketPath,
    stateRoot,
    logger: silentLogger,
    spawn: () => {
      const log = openSync(join(root, "supervisor.log"), "a");
      spawn(process.execPath, [join(import.meta.dir, "role.ts"), socketPath, stateRoot], {
        detached: true,
        stdio: ["ignore", log, log],
      }).unref();
    },
  });
  const settle = (exit: ProcessExit) => {
    exits.set(exit.id, exit);
    for (const waiter of waiters.get(exit.id) ?? []) waiter(exit);
    waiters.delete(exit.id);
  };
  client.onExit(settle);
  client.onReconnect(() => {
    void client.list().then((all) => {
      for (const { exit } of all) if (exit !== undefined) settle(exit);
    });
  });
  const supervisorPid = () => {
    // The lock's holder is whoever answers: /proc/locks would do too, but the socket's owner is what is meant.
    const log = readFileSync(join(root, "supervisor.log"), "utf8");
    return Number([...log.matchAll(/supervisor is ready.* pid=(\d+)/g)].at(-1)?.[1]);
  };
  const request = (args: readonly string[], { streams, log, id = newId() }: RequestOptions = {}): RunRequest => {
    const bundle = join(root, "bundles", id);
    mkdirSync(bundle, { recursive: true });
    writeFileSync(
      join(bundle, "config.json"),
      JSON.stringify(config(rootfs, args, streams?.terminal === true, streams?.consoleSize, `${cgroupParent}/${id}`)),
    );
    return {
      id,
      bundle,
      runtime,
      streams: { terminal: false, openStdin: false, stdinOnce: false, ...streams },
      log: { driver: "json-file", path: join(root, "logs", id, "json.log"), maxFiles: 1, ...log },
    };
  };
  return {
    root,
    client,
    exits,
    supervisorPid,
    request,
    run: async (args, options) => {
      const made = request(args, options);
      await client.run(made);
      return { id: made.id, request: made, logPath: join(root, "logs", made.id, "json.log") };
    },
    exit: (id) => {
      const known = exits.get(id);
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve) => waiters.set(id, [...(waiters.get(id) ?? []), resolve]));
    },
    close: async () => {
      for (const { id, exit } of await client.list()) {
        if (exit === undefined) await client.signal(id, 9).catch(() => {});
      }
      for (const { id, containerId } of await client.list()) {
        if (containerId === undefined) {
          await new Promise<void>((resolve) => {
            const look = () => void client.forget(id).then(resolve, () => setTimeout(look, 10));
            look();
          });
        }
      }
      const pid = supervisorPid();
      await client.close();
      // It ends itself when there is nothing left to do.
      for (let n = 0; n < 100 && existsSync(`/proc/${pid}`); n++) await Bun.sleep(50);
      // Without a daemon nobody takes the containers' groups away.
      const layout = detectCgroups();
      for (const name of childCgroups(layout, cgroupParent))
        await openCgroup(layout, `${cgroupParent}/${name}`).remove();
      await openCgroup(layout, cgroupParent).remove();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Everything a stream gives until it ends. */
export async function readAll(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Memory of a process in megabytes: all of it, and its share of what is shared. */
export function memoryOf(pid: number): { rss: number; pss: number; anonymous: number } {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const field = (name: string) =>
    Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(rollup)?.[1]) / 102.4) / 10;
  return { rss: field("Rss"), pss: field("Pss"), anonymous: field("Anonymous") };
}

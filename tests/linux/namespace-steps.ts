import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { StepMount, StepRequest, StepService } from "#engine";

/**
 * Runs steps of builds in a mount namespace and a chroot, as the engine's own step service needs a daemon. What is
 * mounted is mounted; there is no other isolation, and the root needs busybox as /bin/busybox.
 */
export function namespaceSteps(onRun: (request: StepRequest) => void = () => {}): StepService {
  return {
    openGroup: () => ({ path: "/berth/test", oomKills: () => 0, close: async () => {} }),
    deviceMountPoints: () => [],
    run: async (request) => {
      onRun(request);
      // As runc makes a directory that is not there.
      mkdirSync(join(request.rootfs, request.cwd), { recursive: true });
      for (const mount of request.mounts ?? []) makeMountPoint(request.rootfs, mount);
      const lines = ["set -e", ...(request.mounts ?? []).map((mount) => mountLine(request.rootfs, mount))];
      const user = userOf(request.rootfs, request.user);
      lines.push(
        `exec chroot ${user === "" ? "" : `--userspec=${user} `}"$0" /bin/busybox sh -c 'cd "$0" && exec "$@"' "$@"`,
      );
      const child = Bun.spawn(
        [
          "unshare",
          "-m",
          "--propagation",
          "private",
          "sh",
          "-c",
          lines.join("\n"),
          request.rootfs,
          request.cwd,
          ...request.args,
        ],
        { env: environmentOf(request.env), stdout: "pipe", stderr: "pipe", signal: request.signal },
      );
      const pump = async (stream: "stdout" | "stderr", source: ReadableStream<Uint8Array>) => {
        for await (const chunk of source) request.output(stream, chunk);
      };
      await Promise.all([pump("stdout", child.stdout), pump("stderr", child.stderr)]);
      const exitCode = await child.exited;
      request.signal?.throwIfAborted();
      return { exitCode, oomKilled: false };
    },
  };
}

function makeMountPoint(rootfs: string, mount: StepMount): void {
  const target = join(rootfs, mount.destination);
  if (existsSync(target)) return;
  const isFolder = "tmpfsBytes" in mount || statSync(mount.source).isDirectory();
  mkdirSync(isFolder ? target : dirname(target), { recursive: true });
  if (!isFolder) writeFileSync(target, "");
}

function mountLine(rootfs: string, mount: StepMount): string {
  const target = `"${join(rootfs, mount.destination)}"`;
  if ("tmpfsBytes" in mount)
    return `mount -t tmpfs ${mount.tmpfsBytes === undefined ? "" : `-o size=${mount.tmpfsBytes} `}tmpfs ${target}`;
  const bind = `mount --rbind "${mount.source}" ${target}`;
  return mount.readonly ? `${bind}\nmount -o remount,bind,ro ${target}` : bind;
}

function userOf(rootfs: string, user: string): string {
  if (user === "" || /^\d+(?::\d+)?$/.test(user)) return user === "" || user.includes(":") ? user : `${user}:0`;
  const row = readFileSync(join(rootfs, "etc/passwd"), "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .find(([name]) => name === user);
  if (row === undefined) throw new Error(`no user ${user}`);
  return `${row[2]}:${row[3]}`;
}

function environmentOf(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => [entry.split("=", 1)[0] ?? "", entry.slice(entry.indexOf("=") + 1)]),
  );
}

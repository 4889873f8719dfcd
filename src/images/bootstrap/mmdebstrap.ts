import { type ChildProcessByStdio, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { errors } from "../errors.ts";

const programs = ["/usr/bin/mmdebstrap", "/usr/local/bin/mmdebstrap"];

export type DebianRootfs = {
  /** What it is for, in messages. */
  readonly name: string;
  readonly suite: string;
  /** One-line apt sources; they are also the image's. */
  readonly sources: string;
  readonly isSlim: boolean;
  readonly withPython: boolean;
  /** SOURCE_DATE_EPOCH: no file is newer. */
  readonly epochSeconds: number;
};

/** As in Debian's own container images: apt keeps no packages, services do not start on installation. */
const cleanUp = [
  `rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/cache/apt/archives/*.deb`,
  `rm -f "$1"/var/cache/debconf/*-old "$1"/var/lib/dpkg/*-old "$1"/var/cache/ldconfig/aux-cache`,
  `find "$1"/var/log -type f -delete`,
  `printf '#!/bin/sh\\nexit 101\\n' > "$1"/usr/sbin/policy-rc.d; chmod 0755 "$1"/usr/sbin/policy-rc.d`,
  `printf 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };\\nAcquire::Languages "none";\\n' > "$1"/etc/apt/apt.conf.d/90container`,
  // The host's name and resolver have no business in an image; the engine mounts its own over them.
  `: > "$1"/etc/hostname; rm -f "$1"/etc/resolv.conf; : > "$1"/etc/resolv.conf`,
  // A fresh one per machine, and equal images from equal packages.
  `rm -f "$1"/etc/machine-id "$1"/var/lib/dbus/machine-id; : > "$1"/etc/machine-id`,
];

const pythonHooks = [
  // Containers are what PEP 668 calls an environment of their own: pip may install into it.
  `rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED`,
  `ln -sf /usr/bin/python3 "$1"/usr/local/bin/python; [ -e "$1"/usr/bin/pip ] || ln -sf /usr/bin/pip3 "$1"/usr/local/bin/pip`,
];

const slimPaths = ["/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/lintian/*"];

function argumentsFor(rootfs: DebianRootfs): string[] {
  const hooks = [...(rootfs.withPython ? pythonHooks : []), ...cleanUp].map((hook) => `--customize-hook=${hook}`);
  const slim = rootfs.isSlim
    ? [
        ...slimPaths.map((path) => `--dpkgopt=path-exclude=${path}`),
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
      ]
    : [];
  const packages = rootfs.withPython ? ["--include=python3,python3-pip,python3-venv"] : [];
  return ["--variant=minbase", "--format=tar", ...packages, ...slim, ...hooks, rootfs.suite, "-", "-"];
}

/** Yields lines of a stream of text, each as soon as it is whole. */
function onLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const lines = `${rest}${text}`.split(/[\n\r]/);
    rest = (lines.pop() ?? "").slice(-4096);
    for (const line of lines) if (line.trim() !== "") onLine(line.trim());
  });
}

/**
 * Runs mmdebstrap and yields the tar of the root file system. Ends it (with all its children) when the reader stops
 * early or the signal aborts.
 */
export async function* debianTar(
  rootfs: DebianRootfs,
  onLine: (line: string) => void,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const program = programs.find((path) => existsSync(path));
  if (program === undefined) throw errors.bootstrapToolMissing("mmdebstrap", "mmdebstrap");
  if (signal?.aborted === true) throw errors.bootstrapCancelled(rootfs.name);
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(program, argumentsFor(rootfs), {
    stdio: ["pipe", "pipe", "pipe"],
    // A process group of its own, so that all of it can be ended.
    detached: true,
    env: {
      ...process.env,
      SOURCE_DATE_EPOCH: String(rootfs.epochSeconds),
      LC_ALL: "C.UTF-8",
      DEBIAN_FRONTEND: "noninteractive",
    },
  });
  const lastLines: string[] = [];
  onLines(child.stderr, (line) => {
    onLine(line);
    lastLines.push(line);
    if (lastLines.length > 20) lastLines.shift();
  });
  const exit = new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
  let ended = false;
  let wasStopped = false;
  // SIGTERM: mmdebstrap unmounts and removes its directory.
  const stop = () => {
    wasStopped = true;
    if (!ended && child.pid !== undefined) {
      try {
        process.kill(-child.pid, "SIGTERM");
      } catch {
        // It has just ended.
      }
    }
  };
  signal?.addEventListener("abort", stop, { once: true });
  try {
    child.stdin.on("error", () => {
      // It ended before it read its sources; its exit code says so.
    });
    child.stdin.end(rootfs.sources);
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) yield chunk;
    const code = await exit;
    ended = true;
    if (wasStopped) throw errors.bootstrapCancelled(rootfs.name);
    if (code !== 0) {
      const reasons = lastLines.filter((line) => /^(E:|Err|W: Failed)/.test(line));
      throw errors.bootstrapFailed(rootfs.name, (reasons.length > 0 ? reasons : lastLines.slice(-3)).join("; "));
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
    await exit.catch(() => undefined);
    ended = true;
  }
}

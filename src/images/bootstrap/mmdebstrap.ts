import { type ChildProcessByStdio, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { errors } from "../errors.ts";

const programs = ["/usr/bin/mmdebstrap", "/usr/local/bin/mmdebstrap"];

export type DebianRootfs = {
  /** What it is for, in messages. */
  readonly name: string;
  readonly suite: string;
  /** Debian's name of it. */
  readonly architecture: string;
  /** One-line apt sources; they are also the image's. */
  readonly sources: string;
  readonly isSlim: boolean;
  readonly withPython: boolean;
  /** SOURCE_DATE_EPOCH: no file is newer. */
  readonly epochSeconds: number;
};

/** What mmdebstrap says of its progress, in words of ours; what is not listed is of no interest. */
const phases: readonly (readonly [start: string, phase: string])[] = [
  ["I: running apt-get update", "Reading the package lists"],
  ["I: downloading packages", "Downloading packages"],
  ["I: extracting archives", "Unpacking"],
  ["I: installing essential", "Installing the essential packages"],
  ["I: installing remaining", "Installing the other packages"],
  ["I: creating tarball", "Making a layer of it"],
];

/** What a line of mmdebstrap's means to the reader; undefined when nothing. */
export function phaseOf(line: string): string | undefined {
  return phases.find(([start]) => line.startsWith(start))?.[1];
}

/** Why mmdebstrap failed, from its last lines: the cause alone where it is known, else what it called an error. */
export function failureReason(suite: string, lines: readonly string[]): string {
  if (lines.some((line) => line.includes("does not have a Release file")) && !lines.some(isUnreachable)) {
    return `the host's package archive has no suite "${suite}"`;
  }
  if (lines.some((line) => /arch-test|can neither be executed natively nor via qemu/.test(line))) {
    return "programs of that platform cannot be run here: apt-get install qemu-user-static binfmt-support arch-test";
  }
  const unreachable = lines.find(isUnreachable);
  if (unreachable !== undefined) return `the package archive cannot be reached: ${unreachable.replace(/^[EW]: /, "")}`;
  const said = lines.filter(
    (line) => line.startsWith("E: ") && !/^E: (mmdebstrap failed|apt-get .* failed)/.test(line),
  );
  return (said.length > 0 ? said.slice(0, 3) : lines.slice(-3)).join("; ");
}

function isUnreachable(line: string): boolean {
  return /Temporary failure resolving|Could not (resolve|connect)|Unable to connect|Connection (refused|timed out)|Network is unreachable/.test(
    line,
  );
}

/** As in Debian's own container images: apt keeps no packages, services do not start on installation. */
const cleanUp = [
  `rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/cache/apt/archives/*.deb`,
  `rm -f "$1"/var/cache/debconf/*-old "$1"/var/lib/dpkg/*-old "$1"/var/cache/ldconfig/aux-cache`,
  `find "$1"/var/log -type f -delete`,
  `printf '#!/bin/sh\\nexit 101\\n' > "$1"/usr/sbin/policy-rc.d; chmod 0755 "$1"/usr/sbin/policy-rc.d`,
  `printf 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };\\nAcquire::Languages "none";\\n' > "$1"/etc/apt/apt.conf.d/90container`,
  // The host's name and resolver have no business in an image; the engine mounts its own over them.
  `: > "$1"/etc/hostname; : > "$1"/etc/hosts; rm -f "$1"/etc/resolv.conf; : > "$1"/etc/resolv.conf`,
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
  return [
    "--variant=minbase",
    `--architectures=${rootfs.architecture}`,
    "--format=tar",
    "--dpkgopt=force-unsafe-io",
    ...packages,
    ...slim,
    ...hooks,
    rootfs.suite,
    "-",
    "-",
  ];
}

/** Calls back for each line of a stream of text as soon as it is whole. */
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
 * @param onPhase told what it is at
 */
export async function* debianTar(
  rootfs: DebianRootfs,
  onPhase: (phase: string) => void,
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
    const phase = phaseOf(line);
    if (phase !== undefined) onPhase(phase);
    lastLines.push(line);
    if (lastLines.length > 30) lastLines.shift();
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
      throw errors.bootstrapFailed(rootfs.name, failureReason(rootfs.suite, lastLines));
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
    await exit.catch(() => undefined);
    ended = true;
  }
}

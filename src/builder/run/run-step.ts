import { mkdirSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Digest, newId, shortId } from "#base";
import type { StepMount } from "#engine";
import type { FlightOutput } from "../cache/flights.ts";
import { errors } from "../errors.ts";
import type { OpenMounts, PreparedMounts } from "../mounts/prepare.ts";
import type { RunOperation } from "../plan/operation.ts";
import type { BuildParts } from "./build-parts.ts";
import { keepFailedState } from "./debug-image.ts";
import { checkRunnable } from "./emulation.ts";
import { withExitCode, withFailedState } from "./failure.ts";
import { type MountPointRecord, recordMountPoints, removeMountPoints } from "./mount-points.ts";
import { makeLayer } from "./snapshot.ts";
import { clampTimes } from "./times.ts";

/** Refuses what the request or the daemon does not allow, before anything is done. */
export function checkEntitlements(parts: BuildParts, operation: RunOperation): void {
  const allowed = parts.request.entitlements ?? [];
  // The classic builder knows no entitlements: its clients have asked for the host's network themselves.
  const needsHost = operation.network === "host" && parts.network !== "host" && parts.dialect === "buildkit";
  if (needsHost && !allowed.includes("network.host")) throw errors["build-entitlement-missing"]("network.host");
  if (operation.security === "insecure" && !allowed.includes("security.insecure")) {
    throw errors["build-entitlement-missing"]("security.insecure");
  }
  const isRequired = operation.devices.some(({ required }) => required);
  if (isRequired && !allowed.includes("device")) throw errors["build-entitlement-missing"]("device");
}

/** Runs a command; its changes become a layer. Throws `build-command-failed` with the exit code when it fails. */
export async function runStep(
  parts: BuildParts,
  operation: RunOperation,
  below: readonly Digest[],
  prepared: PreparedMounts,
  output: (output: FlightOutput) => void,
): Promise<Digest | undefined> {
  checkRunnable(parts.platform);
  const scratch = join(parts.directory, `step-${shortId(newId())}`);
  mkdirSync(scratch, { mode: 0o755 });
  const open = await prepared.open();
  try {
    const mounts = [...scriptMount(operation, scratch), ...open.mounts];
    const devices = devicesOf(parts, operation);
    const targets = [...mounts.map(({ destination }) => destination), ...parts.steps.deviceMountPoints(devices)];
    let before: MountPointRecord | undefined;
    return await makeLayer(
      parts,
      below,
      async (rootfs, snapshotId) => {
        before = recordMountPoints(rootfs, targets);
        await runCommand(parts, operation, { rootfs, snapshotId, mounts, open, below }, output);
      },
      (changes) => {
        if (before !== undefined) removeMountPoints(changes, before);
        if (parts.epoch !== undefined) clampTimes(changes, parts.epoch);
      },
    );
  } finally {
    await open.close();
  }
}

async function runCommand(
  parts: BuildParts,
  operation: RunOperation,
  step: {
    readonly rootfs: string;
    readonly snapshotId: string;
    readonly mounts: readonly StepMount[];
    readonly open: OpenMounts;
    readonly below: readonly Digest[];
  },
  output: (output: FlightOutput) => void,
): Promise<void> {
  const { request } = parts;
  const secretNames = new Set(step.open.environment.map((entry) => entry.split("=", 1)[0] ?? ""));
  const environment = operation.environment.filter((entry) => !secretNames.has(entry.split("=", 1)[0] ?? ""));
  const { exitCode, oomKilled } = await parts.steps.run({
    rootfs: step.rootfs,
    args: operation.args,
    env: [...environment, ...step.open.environment],
    cwd: operation.directory,
    user: operation.user,
    hostname: operation.hostname ?? (parts.dialect === "buildkit" ? "buildkitsandbox" : undefined),
    network: operation.network === undefined || operation.network === "default" ? parts.network : operation.network,
    privileged: operation.security === "insecure",
    devices: devicesOf(parts, operation),
    extraHosts: request.extraHosts,
    resources: parts.group === undefined ? request.resources : {},
    group: parts.group,
    shmSizeBytes: request.shmSizeBytes,
    ulimits: [...request.ulimits],
    securityOpt: request.securityOpt,
    cgroupParent: request.cgroupParent,
    mounts: step.mounts,
    // The buffer is the sender's; listeners may keep what they get.
    output: (stream, data) => output({ stream, data: Uint8Array.from(data) }),
    signal: parts.signal,
  });
  if (exitCode === 0) return;
  const hint = isFull(step.rootfs) ? fullHint : undefined;
  const failure = withExitCode(commandFailure(parts, operation, exitCode, oomKilled, hint), exitCode);
  if (request.debug !== true) throw failure;
  const debugImage = await keepFailedState(parts, operation, step);
  throw withFailedState(failure, debugImage);
}

/** Without the right to devices a step does without those it can do without. */
function devicesOf({ request }: BuildParts, operation: RunOperation): RunOperation["devices"] {
  return request.entitlements?.includes("device") === true ? operation.devices : [];
}

/** Less than this is left on a disk that a command has filled. */
const fullBytes = 1024 * 1024;
const fullHint =
  "The disk is full. Free space, for example with berth builder prune, and build again: finished steps are kept.";

function isFull(rootfs: string): boolean {
  const { bavail, bsize } = statfsSync(rootfs);
  return bavail * bsize < fullBytes;
}

function commandFailure(
  parts: BuildParts,
  operation: RunOperation,
  exitCode: number,
  oomKilled: boolean,
  hint: string | undefined,
): Error {
  if (oomKilled) return errors["build-command-out-of-memory"](operation.command, exitCode);
  return parts.dialect === "buildkit"
    ? errors["build-process-failed"](operation.command, exitCode, hint)
    : errors["build-command-failed"](operation.command, exitCode, hint);
}

/** The script of a here-document, bound under /dev, a tmpfs of the step's: nothing of it reaches the layer. */
function scriptMount(operation: RunOperation, scratch: string): StepMount[] {
  if (operation.script === undefined) return [];
  const source = join(scratch, "script");
  writeFileSync(source, operation.script.text, { mode: 0o755 });
  return [{ source, destination: operation.script.path, readonly: true }];
}

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Digest, newId, shortId } from "#base";
import type { StepRequest } from "#engine";
import { errors } from "../errors.ts";
import type { FileOperation } from "../plan/operation.ts";
import type { BuildParts } from "./build-parts.ts";
import { withExitCode } from "./exit-code.ts";
import { type MountPointRecord, recordMountPoints, removeMountPoints } from "./mount-points.ts";
import { makeLayer } from "./snapshot.ts";

/** Runs a command; its changes become a layer. Throws `build-command-failed` with the exit code when it fails. */
export async function runStep(
  parts: BuildParts,
  operation: Extract<FileOperation, { kind: "run" }>,
  below: readonly Digest[],
  say: (text: string) => void,
): Promise<Digest | undefined> {
  const { request } = parts;
  const id = shortId(newId());
  say(` ---> Running in ${id}\n`);
  const scratch = join(parts.directory, `step-${id}`);
  mkdirSync(scratch, { mode: 0o755 });
  const mounts = scriptMount(operation, scratch);
  let before: MountPointRecord | undefined;
  let succeeded = false;
  try {
    const diffId = await makeLayer(
      parts,
      below,
      async (rootfs) => {
        before = recordMountPoints(rootfs);
        const { exitCode, oomKilled } = await parts.steps.run({
          rootfs,
          args: operation.args,
          env: operation.environment,
          cwd: operation.directory,
          user: operation.user,
          network: operation.network ?? parts.network,
          extraHosts: request.extraHosts,
          resources: request.resources,
          shmSizeBytes: request.shmSizeBytes,
          ulimits: [...request.ulimits],
          securityOpt: request.securityOpt,
          cgroupParent: request.cgroupParent,
          mounts,
          output: textOutput(say),
          signal: parts.signal,
        });
        if (exitCode === 0) return;
        const code = oomKilled ? "build-command-out-of-memory" : "build-command-failed";
        throw withExitCode(errors[code](operation.command, exitCode), exitCode);
      },
      (changes) => {
        if (before !== undefined) removeMountPoints(changes, before);
      },
    );
    succeeded = true;
    return diffId;
  } finally {
    if (request.forceRemove || (request.remove && succeeded)) say(` ---> Removed intermediate container ${id}\n`);
  }
}

/** Bytes of a process as text; standard error in red, as Docker sends it. Characters cut in two wait for their end. */
function textOutput(say: (text: string) => void): StepRequest["output"] {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  return (stream, data) => {
    const text = decoders[stream].decode(data, { stream: true });
    if (text === "") return;
    say(stream === "stderr" ? `\u001B[91m${text}\u001B[0m` : text);
  };
}

/** The script of a here-document, bound under /dev, a tmpfs of the step's: nothing of it reaches the layer. */
function scriptMount(
  operation: Extract<FileOperation, { kind: "run" }>,
  scratch: string,
): NonNullable<StepRequest["mounts"]> {
  if (operation.script === undefined) return [];
  const source = join(scratch, "script");
  writeFileSync(source, operation.script.text, { mode: 0o755 });
  return [{ source, destination: operation.script.path, readonly: true }];
}

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

/** Under /dev, a tmpfs of the step's: nothing of it reaches the layer. */
const caBundlePath = "/dev/berth/ca-certificates.crt";
const aptConfigPath = "/dev/berth/apt.conf";

/** Variables by which programs are told where trusted certificates are. */
const caVariables = [
  "SSL_CERT_FILE",
  "CURL_CA_BUNDLE",
  "REQUESTS_CA_BUNDLE",
  "PIP_CERT",
  "NODE_EXTRA_CA_CERTS",
  "GIT_SSL_CAINFO",
  "CARGO_HTTP_CAINFO",
];

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
  const trust = trustHost(parts, operation, scratch);
  const mounts = [...trust.mounts, ...scriptMount(operation, scratch)];
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
          env: [...operation.environment, ...trust.environment],
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

type Trust = { readonly mounts: NonNullable<StepRequest["mounts"]>; readonly environment: readonly string[] };

/** Lets a step trust what the host trusts, by mounts and variables that leave no trace in the image. */
function trustHost(parts: BuildParts, operation: Extract<FileOperation, { kind: "run" }>, scratch: string): Trust {
  const { hostCaBundle } = parts;
  if (hostCaBundle === undefined) return { mounts: [], environment: [] };
  const aptConfig = join(scratch, "apt.conf");
  writeFileSync(aptConfig, `Acquire::https::CAInfo "${caBundlePath}";\n`, { mode: 0o644 });
  const isSet = (name: string) => operation.environment.some((entry) => entry.startsWith(`${name}=`));
  const wanted = [...caVariables.map((name) => [name, caBundlePath]), ["APT_CONFIG", aptConfigPath]] as const;
  return {
    mounts: [
      { source: hostCaBundle, destination: caBundlePath, readonly: true },
      { source: aptConfig, destination: aptConfigPath, readonly: true },
    ],
    environment: wanted.filter(([name = ""]) => !isSet(name)).map(([name, path]) => `${name}=${path}`),
  };
}

function scriptMount(
  operation: Extract<FileOperation, { kind: "run" }>,
  scratch: string,
): NonNullable<StepRequest["mounts"]> {
  if (operation.script === undefined) return [];
  const source = join(scratch, "script");
  writeFileSync(source, operation.script.text, { mode: 0o755 });
  return [{ source, destination: operation.script.path, readonly: true }];
}

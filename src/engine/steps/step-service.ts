import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { newId } from "#base";
import { letContainersThrough } from "#linux";
import { validateResources } from "#runtime";
import type { Sandbox } from "#network";
import { createStdioDemuxer, STDIO } from "#wire";
import { createBoundSources } from "../containers/bound-sources.ts";
import { cgroupResources } from "../containers/cgroup-resources.ts";
import type { ContainerParts } from "../containers/parts.ts";
import { stepDevices } from "../containers/step-devices.ts";
import { buildStepSpec } from "../containers/spec.ts";
import { openStepUserNamespace, streamOwner, type UserNamespace } from "../containers/user-namespace.ts";
import { writeStepEtcFiles } from "../containers/etc-files.ts";
import type { StepRequest, StepService } from "../contract/index.ts";
import type { ExitHub } from "../processes/exit-hub.ts";
import { runBundle } from "../processes/run-bundle.ts";

/**
 * Runs the commands of builds: a container's isolation without its row, name and log. Whatever a killed daemon leaves
 * of one is ended by `endStrays` at the next start (ids begin with `build-`).
 */
export function createStepService(parts: ContainerParts, hub: ExitHub): StepService {
  return {
    openGroup: (resources, parent) => {
      const { hostConfig } = validateResources(resources, parts.hostLimits);
      const group = parts.openCgroup(`${parentOf(parts, parent)}/build-${newId().slice(0, 32)}`);
      group.create();
      try {
        group.update(cgroupResources(hostConfig, hostConfig));
      } catch (error) {
        void group.remove();
        throw error;
      }
      return { path: group.path, oomKills: () => group.oomKills(), close: () => group.remove() };
    },
    deviceMountPoints: (devices) =>
      stepDevices(devices, parts.cdiDirectories)?.mounts?.map(({ destination }) => destination) ?? [],
    run: async (request) => {
      request.signal?.throwIfAborted();
      parts.noticeMigration();
      const id = `build-${newId().slice(0, 32)}`;
      const bundle = join(parts.paths.bundles, id);
      const cgroup = parts.openCgroup(`${request.group ?? parentOf(parts, request.cgroupParent)}/${id}`);
      await using undo = new AsyncDisposableStack();
      mkdirSync(bundle, { recursive: true, mode: 0o700 });
      letContainersThrough(bundle, parts.snapshots.idMapping);
      undo.defer(() => rmSync(bundle, { recursive: true, force: true }));
      undo.defer(() => parts.network.releaseContainer(id));
      const user = await openStepUserNamespace(parts, request.network);
      undo.defer(() => user?.release());
      const sandbox = await openStepSandbox(parts, id, request, user);
      undo.defer(() => sandbox?.release());
      const etc = writeStepEtcFiles(parts, bundle, request, sandbox);
      const bound = createBoundSources(parts, id);
      undo.defer(() => bound.release());
      const spec = buildStepSpec(parts, { request, sandbox, user, etc, cgroupsPath: cgroup.path, bound });

      const stream = await parts.supervisor.attach({ id, stdin: false, stdout: true, stderr: true, wait: true });
      undo.defer(() => void stream.destroy());
      const drained = new Promise<void>((resolve) => {
        stream.once("close", resolve);
        stream.once("end", resolve);
        stream.once("error", () => resolve());
      });
      const demuxer = createStdioDemuxer((source, data) => {
        request.output(source === STDIO.STDERR ? "stderr" : "stdout", data);
      });
      stream.on("data", (chunk: Uint8Array) => demuxer.push(chunk));

      const expected = hub.expect(id);
      undo.defer(() => expected.cancel());
      undo.defer(() => parts.supervisor.forget(id));
      undo.defer(() => cgroup.remove());
      await runBundle(parts, spec, {
        id,
        bundle,
        runtime: parts.runtime(""),
        streams: { terminal: false, openStdin: false, stdinOnce: false, ...streamOwner(user?.idMapping) },
        log: { driver: "none" },
      });
      expected.started();
      const kill = () => {
        void parts.supervisor.signal(id, 9).catch(() => {
          // It has ended by itself.
        });
      };
      request.signal?.addEventListener("abort", kill, { once: true });
      undo.defer(() => request.signal?.removeEventListener("abort", kill));
      if (request.signal?.aborted === true) kill();
      const exit = await expected.exit;
      await drained;
      request.signal?.throwIfAborted();
      return { exitCode: exit.exitCode, oomKilled: cgroup.exists() && cgroup.oomKills() > 0 };
    },
  };
}

/** Where the control groups of a build are, as `--cgroup-parent` has it. */
function parentOf(parts: ContainerParts, parent: string | undefined): string {
  if (parent === undefined || parent === "") return parts.cgroupParent;
  return parent.startsWith("/") ? parent : `/${parent}`;
}

async function openStepSandbox(
  parts: ContainerParts,
  id: string,
  request: StepRequest,
  user: UserNamespace | undefined,
): Promise<Sandbox | undefined> {
  const { network } = request;
  if (network === "host" || (typeof network === "object" && "containerId" in network)) return undefined;
  const name = typeof network === "object" ? network.networkName : "bridge";
  return parts.network.createSandbox({
    containerId: id,
    networks: network === "none" ? [] : [{ network: name }],
    publications: [],
    namespace: user?.network,
  });
}

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { serializeSpec } from "#runtime";
import type { ProcessExit, ProcessStarted } from "#supervisor";
import type { Container } from "../containers/container.ts";
import type { ContainerParts } from "../containers/parts.ts";
import { buildExecDocument } from "../containers/spec.ts";
import { idMappingOf, streamOwner } from "../containers/user-namespace.ts";
import type { ExitHub } from "../processes/exit-hub.ts";

/** A further process in a running container. */
export type ExecProcess = {
  readonly id: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** "" = the container's own. */
  readonly user: string;
  readonly workingDirectory: string;
  readonly terminal: boolean;
  readonly openStdin: boolean;
  readonly privileged: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number } | undefined;
};

/** Starts processes in containers; for `exec` and for health probes. */
export type ExecRunner = {
  /** `exited` settles when it has ended and its record was dropped. Rejects when it could not be started. */
  start(
    container: Container,
    process: ExecProcess,
  ): Promise<{ readonly started: ProcessStarted; readonly exited: Promise<ProcessExit> }>;
};

export function createExecRunner(parts: ContainerParts, hub: ExitHub): ExecRunner {
  return {
    start: async (container, process) => {
      const rootfs = parts.snapshots.mount(container.id);
      const document = buildExecDocument(parts, container, rootfs, process);
      const processFile = join(parts.paths.bundles, container.id, `exec-${process.id}.json`);
      writeFileSync(processFile, serializeSpec(document), { mode: 0o600 });
      const expected = hub.expect(process.id);
      try {
        const started = await parts.supervisor.exec({
          id: process.id,
          containerId: container.id,
          processFile,
          runtime: parts.runtime(container.document.hostConfig.Runtime ?? ""),
          streams: {
            terminal: process.terminal,
            openStdin: process.openStdin,
            stdinOnce: !process.terminal,
            consoleSize: process.consoleSize,
            ...streamOwner(idMappingOf(parts, container.document.hostConfig)),
          },
        });
        expected.started();
        const exited = expected.exit.then(async (exit) => {
          await parts.supervisor.forget(process.id).catch(() => {
            // The supervisor is away; the record goes with the container.
          });
          return exit;
        });
        return { started, exited };
      } catch (error) {
        expected.cancel();
        throw error;
      } finally {
        rmSync(processFile, { force: true });
      }
    },
  };
}

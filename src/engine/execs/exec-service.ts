import { EngineError, newId } from "#base";
import type { CreateExecBody } from "#formats";
import type { Container } from "../containers/container.ts";
import { hasProcess } from "../containers/container.ts";
import { type ContainerParts, emitContainerEvent } from "../containers/parts.ts";
import type { ContainerRegistry } from "../containers/registry.ts";
import type { Attachment, ExecService, ExecView } from "../contract/index.ts";
import { errors } from "../errors.ts";
import type { ExecRunner } from "./run-in-container.ts";

/** How long an ended exec can be inspected (Docker collects them after 5-10 minutes). */
const keepEndedMs = 5 * 60_000;

type Exec = {
  readonly id: string;
  readonly container: Container;
  readonly body: CreateExecBody;
  phase: "created" | "starting" | "running" | "ended";
  pid: number;
  exitCode: number | null;
  /** Settles when it runs, for resizes that come early. */
  readonly running: PromiseWithResolvers<void>;
};

/** How long a resize waits for the exec to be started. */
const resizePatienceMs = 10_000;

/** `exec`: records in memory; they go with their container, or some minutes after their end. */
export function createExecService(parts: ContainerParts, runner: ExecRunner): ExecService {
  const execs = new Map<string, Exec>();

  const get = (id: string): Exec => {
    const exec =
      execs.get(id) ?? [...execs.values()].find((candidate) => candidate.id.startsWith(id) && id.length >= 12);
    if (exec === undefined || parts.registry.byId(exec.container.id) === undefined) throw errors.execNotFound(id);
    return exec;
  };

  const drop = (exec: Exec) => {
    execs.delete(exec.id);
    exec.container.execIds.delete(exec.id);
  };

  const ended = (exec: Exec, exitCode: number) => {
    exec.phase = "ended";
    exec.exitCode = exitCode;
    exec.pid = 0;
    exec.container.execIds.delete(exec.id);
    setTimeout(() => drop(exec), keepEndedMs).unref();
  };

  return {
    create: async (reference, body) => {
      const container = runningContainer(parts.registry, reference);
      parts.noticeMigration();
      // An empty word is one: that there is no such program is found at the start.
      if ((body.Cmd ?? []).length === 0) throw errors.execNoCommand();
      const exec: Exec = {
        id: newId(),
        container,
        body,
        phase: "created",
        pid: 0,
        exitCode: null,
        running: Promise.withResolvers<void>(),
      };
      exec.running.promise.catch(() => {
        // Only a waiting resize cares that it never ran.
      });
      execs.set(exec.id, exec);
      container.execIds.add(exec.id);
      emitContainerEvent(parts, container, `exec_create: ${commandLine(body.Cmd)}`, { execID: exec.id });
      return exec.id;
    },

    start: async (id, options) => {
      const exec = get(id);
      if (exec.phase !== "created") throw errors.execAlreadyRun(exec.id);
      const container = runningContainer(parts.registry, exec.container.id);
      parts.noticeMigration();
      exec.phase = "starting";
      const { body } = exec;
      const terminal = body.Tty === true;
      const [height = 0, width = 0] = body.ConsoleSize ?? [];
      const attached = !options.detach;
      emitContainerEvent(parts, container, `exec_start: ${commandLine(body.Cmd)}`, { execID: exec.id });
      const stream = attached
        ? await parts.supervisor.attach({
            id: exec.id,
            stdin: body.AttachStdin === true,
            stdout: body.AttachStdout === true || terminal,
            stderr: body.AttachStderr === true,
            wait: true,
          })
        : undefined;
      const settled = Promise.withResolvers<void>();
      try {
        const { started, exited } = await runner.start(container, {
          id: exec.id,
          args: body.Cmd ?? [],
          env: body.Env ?? [],
          user: body.User ?? "",
          workingDirectory: body.WorkingDir ?? "",
          terminal,
          openStdin: attached && body.AttachStdin === true,
          privileged: body.Privileged === true,
          consoleSize: options.consoleSize ?? (height > 0 && width > 0 ? { height, width } : undefined),
        });
        exec.phase = "running";
        exec.pid = started.pid;
        exec.running.resolve();
        void exited.then((exit) => {
          ended(exec, exit.exitCode);
          emitContainerEvent(parts, container, "exec_die", { execID: exec.id, exitCode: String(exit.exitCode) });
          settled.resolve();
        });
      } catch (error) {
        stream?.destroy();
        ended(exec, error instanceof EngineError && error.code === "commandNotFound" ? 127 : 126);
        exec.running.reject(error);
        throw error;
      }
      if (stream === undefined) return undefined;
      const attachment: Attachment = { stream, terminal, settled: settled.promise };
      return attachment;
    },

    resize: async (id, size) => {
      const exec = get(id);
      if (exec.phase === "ended") throw errors.execNotRunning(exec.id);
      await Promise.race([exec.running.promise, Bun.sleep(resizePatienceMs)]);
      if (exec.phase !== "running") throw errors.execNotRunning(exec.id);
      if (exec.body.Tty === true) await parts.supervisor.resize(exec.id, size);
    },

    get: (id): ExecView => {
      const exec = get(id);
      return {
        id: exec.id,
        containerId: exec.container.id,
        running: exec.phase === "running" || exec.phase === "starting",
        exitCode: exec.exitCode,
        pid: exec.pid,
        body: exec.body,
        user: exec.body.User ?? "",
        canRemove: exec.phase === "ended",
      };
    },
  };
}

function runningContainer(registry: ContainerRegistry, reference: string): Container {
  const container = registry.get(reference);
  if (container.life.status === "paused") throw errors.paused(container.id);
  if (container.life.status === "restarting") throw errors.restarting(container.id);
  if (!hasProcess(container)) throw errors.notRunning(container.id);
  return container;
}

/** As Docker writes it in events: a space after the program, arguments or not. */
function commandLine(command: readonly string[] | null | undefined): string {
  const [program = "", ...words] = command ?? [];
  return `${program} ${words.join(" ")}`;
}

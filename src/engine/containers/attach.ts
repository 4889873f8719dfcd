import { PassThrough } from "node:stream";
import { readLog } from "#logs";
import type { Attachment, AttachOptions } from "../contract/index.ts";
import { errors } from "../errors.ts";
import { type Container, hasProcess } from "./container.ts";
import { readableLogOf } from "./logs.ts";
import { type ContainerParts, emitContainerEvent } from "./parts.ts";

/**
 * Attaches to a container's streams. One that has never started, or has ended, may be attached to: the stream waits for
 * the next start, which is how `run` and `start -a` miss no byte.
 */
export async function attachContainer(
  parts: ContainerParts,
  container: Container,
  options: AttachOptions,
): Promise<Attachment> {
  if (container.life.status === "paused") throw errors.attachPaused(container.id);
  if (container.life.status === "restarting") throw errors.attachRestarting(container.id);
  const terminal = container.document.config.Tty === true;
  // Without `stream` there is the log and nothing after it, whether the container runs or not.
  const stream = options.stream
    ? await parts.supervisor.attach({
        id: container.id,
        stdin: options.stdin && container.document.config.OpenStdin === true,
        stdout: options.stdout,
        stderr: options.stderr,
        wait: !hasProcess(container),
      })
    : new PassThrough().end();
  const path = options.logs ? readableLogOf(parts, container) : undefined;
  const replay =
    path === undefined ? undefined : readLog(path, { stdout: options.stdout, stderr: options.stderr, follow: false });
  emitContainerEvent(parts, container, "attach");
  const settled = new Promise<void>((resolve) => {
    stream.once("close", resolve);
    stream.once("end", resolve);
  });
  if (options.stream) {
    container.attachments.add(settled);
    void settled.then(() => container.attachments.delete(settled));
  }
  return { stream, terminal, replay, settled };
}

import { clientErrors } from "./errors.ts";

/** Which stream of the container a frame carries; `system` is an error text of the daemon. */
export type OutputStream = "stdout" | "stderr" | "system";
/** A piece of output and the stream it came from. */
export type OutputFrame = { readonly stream: OutputStream; readonly data: Uint8Array };

const streams = ["stdout", "stdout", "stderr", "system"] as const;

/** Takes a multiplexed stream apart. Frames are passed on in pieces as they arrive, without copying. */
export async function* readFrames(read: () => Promise<Uint8Array | undefined>): AsyncGenerator<OutputFrame, void> {
  // Loaded here: most calls read no frames.
  const { createStdioDemuxer } = await import("#wire");
  let frames: OutputFrame[] = [];
  const demuxer = createStdioDemuxer((stream, data) => frames.push({ stream: streams[stream], data }));
  for (;;) {
    const chunk = await read();
    if (chunk === undefined) {
      if (!demuxer.isAtBoundary()) throw clientErrors["malformed-stream"]("it ends inside a frame");
      return;
    }
    try {
      demuxer.push(chunk);
    } catch (error) {
      throw clientErrors["malformed-stream"]((error as Error).message);
    }
    yield* frames;
    frames = [];
  }
}

/** A raw (terminal) stream in the shape of frames: everything is stdout. */
export async function* readRawAsFrames(read: () => Promise<Uint8Array | undefined>): AsyncGenerator<OutputFrame, void> {
  for (;;) {
    const data = await read();
    if (data === undefined) return;
    yield { stream: "stdout", data };
  }
}

/** A pull function over an iterable body. */
export function readerOf(body: AsyncIterable<Uint8Array>): () => Promise<Uint8Array | undefined> {
  const iterator = body[Symbol.asyncIterator]();
  return async () => {
    const result = await iterator.next();
    return result.done === true ? undefined : result.value;
  };
}

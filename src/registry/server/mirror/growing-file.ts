import { randomUUID } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";

const READ_BYTES = 256 * 1024;

/** A file that is being written while others read it already: one download, any number of readers. */
export type GrowingFile = {
  readonly path: string;
  /** Everything there is and comes; ends in an error when the writer fails. Independent of other readers. */
  reader(): ReadableStream<Uint8Array>;
  /** Resolves when all is written; rejects as the writer does. */
  readonly whole: Promise<void>;
};

/** Writes a source to a new file in `directory`. The file is taken away by whoever waits for `whole`. */
export async function growFile(directory: string, source: AsyncIterable<Uint8Array>): Promise<GrowingFile> {
  const path = join(directory, randomUUID());
  const handle = await open(path, "wx+", 0o600);
  const state: { written: number; isWhole: boolean; failure?: { readonly error: unknown } } = {
    written: 0,
    isWhole: false,
  };
  let progress = Promise.withResolvers<void>();
  // Readers keep the descriptor open; the last one out closes it.
  let users = 1;

  const wake = () => {
    const before = progress;
    progress = Promise.withResolvers<void>();
    before.resolve();
  };
  const leave = async () => {
    users--;
    if (users === 0) await handle.close();
  };

  const write = async () => {
    try {
      for await (const chunk of source) {
        await writeAt(handle, chunk, state.written);
        state.written += chunk.byteLength;
        wake();
      }
      state.isWhole = true;
    } catch (error) {
      state.failure = { error };
      await rm(path, { force: true });
      throw error;
    } finally {
      wake();
      await leave();
    }
  };
  const whole = write();
  // Whoever waits hears of it; nobody has to.
  whole.catch(() => undefined);

  return {
    path,
    whole,
    reader: () => {
      users++;
      let position = 0;
      let left = false;
      const end = async () => {
        if (left) return;
        left = true;
        await leave();
      };
      return new ReadableStream<Uint8Array>(
        {
          pull: async (controller) => {
            while (position >= state.written && !state.isWhole && state.failure === undefined) await progress.promise;
            if (position < state.written) {
              const buffer = new Uint8Array(Math.min(READ_BYTES, state.written - position));
              const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, position);
              position += bytesRead;
              controller.enqueue(buffer.subarray(0, bytesRead));
              return;
            }
            await end();
            if (state.failure === undefined) controller.close();
            else controller.error(state.failure.error);
          },
          cancel: end,
        },
        { highWaterMark: 0 },
      );
    },
  };
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, position + done);
    done += bytesWritten;
  }
}

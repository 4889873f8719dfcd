import { humanSize } from "#base";
import { printableLine } from "./printable.ts";
import { writeText } from "./write.ts";

/** Counts what is copied and shows it on a terminal while it grows. */
export type CopyProgress = {
  /** Passes a stream on. */
  count(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void>;
  /** The last line: how much went where. */
  finish(target: string): void;
  stop(): void;
};

const intervalMs = 250;
const clearLine = "\r\u001b[2K";

/** `direction` is "to" or "from" the container; a copy that is over at once shows its last line alone. */
export function showCopyProgress(direction: "to" | "from"): CopyProgress {
  let bytes = 0;
  let isShown = false;
  const timer = setInterval(() => {
    isShown = true;
    writeText(2, `${clearLine}Copying ${direction} container - ${humanSize(bytes)}`);
  }, intervalMs);
  const clear = () => (isShown ? clearLine : "");
  const stop = () => {
    clearInterval(timer);
    if (isShown) writeText(2, clearLine);
    isShown = false;
  };
  return {
    async *count(stream) {
      for await (const chunk of stream) {
        bytes += chunk.length;
        yield chunk;
      }
    },
    finish(target) {
      clearInterval(timer);
      writeText(2, `${clear()}Successfully copied ${humanSize(bytes)} to ${printableLine(target)}\n`);
      isShown = false;
    },
    stop,
  };
}

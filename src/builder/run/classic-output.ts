import { newId, shortId } from "#base";
import type { FlightOutput } from "../cache/flights.ts";
import type { BuildParts } from "./build-parts.ts";

/** A stage's progress in the classic builder's words. */
export type StageOutput = { readonly say: (text: string) => void };

/** What one step says to clients of the classic API. */
export type StepOutput = {
  say(text: string): void;
  command(output: FlightOutput): void;
  /** Around a command: "Running in …", "Removed intermediate container …". */
  running<T>(work: () => Promise<T>): Promise<T>;
};

/** @param say gets the text of `stream` records */
export function classicOutput(parts: BuildParts, say: (text: string) => void): StepOutput {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  return {
    say,
    // Standard error in red, as Docker sends it. Characters cut in two wait for their end.
    command: ({ stream, data }) => {
      const text = decoders[stream].decode(data, { stream: true });
      if (text === "") return;
      say(stream === "stderr" ? `\u001B[91m${text}\u001B[0m` : text);
    },
    running: async (work) => {
      const id = shortId(newId());
      let succeeded = false;
      say(` ---> Running in ${id}\n`);
      try {
        const result = await work();
        succeeded = true;
        return result;
      } finally {
        const { forceRemove, remove } = parts.request;
        if (forceRemove || (remove && succeeded)) say(` ---> Removed intermediate container ${id}\n`);
      }
    },
  };
}

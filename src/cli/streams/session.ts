import { type HijackedStream, readFrames, readRawAsFrames } from "#client";
import { cliErrors } from "../errors.ts";
import { writeBytes } from "../output/write.ts";
import { enterRawMode } from "../terminal/terminal.ts";
import { readStandardInput } from "./standard-input.ts";

export type SessionOptions = {
  /** The container has a terminal: one unframed stream, keys go through as they are typed. */
  readonly terminal: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Standard input is a terminal of ours, to be put into raw mode. */
  readonly rawInput: boolean;
  readonly detachKeys?: string | undefined;
};

export type SessionEnd = "ended" | "detached";

/**
 * Joins our standard streams to a hijacked connection until the container's output ends or the user detaches. The
 * terminal is put back on every way out.
 */
export async function runSession(stream: HijackedStream, options: SessionOptions): Promise<SessionEnd> {
  const restore = options.rawInput ? enterRawMode() : () => {};
  try {
    const output = copyOutput(stream, options);
    if (!options.stdin) {
      // Tells the daemon that nothing will come (docker does so too); output goes on.
      if (!options.terminal) stream.end();
      await output;
      return "ended";
    }
    return await Promise.race([output.then(() => "ended" as const), copyInput(stream, options)]);
  } finally {
    restore();
    stream.destroy();
  }
}

async function copyOutput(stream: HijackedStream, options: SessionOptions): Promise<void> {
  const read = () => stream.read();
  for await (const frame of options.terminal ? readRawAsFrames(read) : readFrames(read)) {
    if (frame.stream === "system") throw cliErrors["stream-failed"](new TextDecoder().decode(frame.data));
    if (frame.stream === "stderr" ? options.stderr : options.stdout) {
      await writeBytes(frame.stream === "stderr" ? 2 : 1, frame.data);
    }
  }
}

/** Resolves only when the user detaches: the end of input is not the end of the session. */
async function copyInput(stream: HijackedStream, options: SessionOptions): Promise<"detached"> {
  const watch = options.terminal ? await detachWatcher(options.detachKeys ?? "") : undefined;
  for await (const chunk of readStandardInput()) {
    if (watch === undefined) {
      await stream.write(chunk);
      continue;
    }
    const { pass, detach } = watch(chunk);
    if (pass.length > 0) await stream.write(pass);
    if (detach) return "detached";
  }
  stream.end();
  return new Promise(() => {});
}

/** Watches for the keys of `--detach-keys`; "" is Docker's default. Only a terminal needs the code for it. */
async function detachWatcher(text: string) {
  const { createDetachWatcher, defaultDetachKeys, parseDetachKeys } = await import("#wire");
  const keys = text === "" ? defaultDetachKeys : parseDetachKeys(text);
  if (keys === undefined) throw cliErrors["bad-option"](`invalid detach keys: ${text}`);
  return createDetachWatcher(keys);
}

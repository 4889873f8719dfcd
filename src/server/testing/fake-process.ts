import { Duplex, PassThrough } from "node:stream";
import type { Attachment } from "#engine";

/** A process that gives back what it is sent, and ends with it. */
export function echoProcess(terminal: boolean): Attachment {
  return { stream: new PassThrough(), terminal, settled: Promise.resolve() };
}

/** A process whose input and output the test holds. */
export function scriptedProcess(terminal: boolean): Attachment & {
  readonly output: PassThrough;
  readonly input: Buffer[];
  readonly inputEnded: Promise<void>;
} {
  const output = new PassThrough();
  const input: Buffer[] = [];
  const ended = Promise.withResolvers<void>();
  const stream = new Duplex({
    allowHalfOpen: true,
    read: () => output.resume(),
    write(chunk: Buffer, _encoding, done) {
      input.push(chunk);
      done();
    },
    final(done) {
      ended.resolve();
      done();
    },
  });
  output.on("data", (chunk: Buffer) => {
    if (!stream.push(chunk)) output.pause();
  });
  output.on("end", () => stream.push(null));
  output.pause();
  return { stream, terminal, settled: Promise.resolve(), output, input, inputEnded: ended.promise };
}

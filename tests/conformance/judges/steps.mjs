import { writeSync } from "node:fs";

/** Written at once: what is left in a pipe's buffer is lost when the program exits. */
function say(line) {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

/** Runs named steps one after the other and prints one line of JSON for each, which the test file reads. */
export async function step(name, work) {
  const began = Date.now();
  // testcontainers unrefs the sockets of logs: with nothing else under way, Node would end while a step waits for them.
  const alive = setInterval(() => {}, 1000);
  try {
    await work();
    say({ name, ok: true, ms: Date.now() - began });
  } catch (error) {
    say({ name, ok: false, ms: Date.now() - began, error: String(error?.stack ?? error) });
  } finally {
    clearInterval(alive);
  }
}

/** Fails with what was found when `condition` does not hold. */
export function expect(condition, found) {
  if (!condition) throw new Error(`found ${typeof found === "string" ? found : JSON.stringify(found)}`);
}

/** Everything a stream brings until its end. */
export async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

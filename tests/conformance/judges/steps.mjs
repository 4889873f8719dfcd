/** Runs named steps one after the other and prints one line of JSON for each, which the test file reads. */
export async function step(name, work) {
  const began = Date.now();
  try {
    await work();
    console.log(JSON.stringify({ name, ok: true, ms: Date.now() - began }));
  } catch (error) {
    console.log(JSON.stringify({ name, ok: false, ms: Date.now() - began, error: String(error?.stack ?? error) }));
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

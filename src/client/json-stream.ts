import { clientErrors } from "./errors.ts";

const recordLimitCharacters = 64 * 1024 * 1024;

/** Splits a body into the lines it carries, blank ones left out. */
export async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let pending = "";
  for await (const chunk of body) {
    const lines = (pending + decoder.decode(chunk, { stream: true })).split("\n");
    pending = lines.pop() ?? "";
    if (pending.length > recordLimitCharacters) throw clientErrors["malformed-stream"]("a record has no end");
    for (const line of lines) if (line.trim() !== "") yield line;
  }
  pending += decoder.decode();
  if (pending.trim() !== "") yield pending;
}

/** Splits a body into the JSON records it carries, one a line (`build`, `load`, `stats`, …). */
export async function* readJsonStream<T>(body: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  for await (const line of readLines(body)) {
    let record: T;
    try {
      record = JSON.parse(line) as T;
    } catch {
      throw clientErrors["malformed-stream"](`"${line.slice(0, 80)}" is not JSON`);
    }
    yield record;
  }
}

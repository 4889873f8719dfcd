import type { RuntimeProcess, RuntimeSpec } from "#formats";

/** ECMAScript's JSON.parse source text access; in the engine, not yet in TypeScript's library. */
const withRawJson = JSON as unknown as { rawJSON(text: string): unknown };

/** RLIM_INFINITY as the runtimes' uint64; a JavaScript number next to it would be 385 too large, and is refused. */
const infinity = withRawJson.rawJSON("18446744073709551615");

/** The text of config.json, or of an exec's process document. 2^64 in a limit means "unlimited". */
export function serializeSpec(document: RuntimeSpec | RuntimeProcess): string {
  return JSON.stringify(document, (_, value: unknown) =>
    typeof value === "number" && value >= 2 ** 64 ? infinity : value,
  );
}

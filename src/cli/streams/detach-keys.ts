import { cliErrors } from "../errors.ts";

const named: Record<string, number> = { "@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, _: 31 };

/** Reads `ctrl-p,ctrl-q` into the bytes those keys send; "" means the default. */
export function parseDetachKeys(text: string): number[] {
  if (text === "") return [16, 17];
  return text.split(",").map((key) => {
    if (Array.from(key).length === 1) return key.codePointAt(0) ?? 0;
    const control = /^ctrl-(.)$/.exec(key)?.[1]?.toLowerCase();
    if (control !== undefined) {
      if (/[a-z]/.test(control)) return control.charCodeAt(0) - 96;
      const code = named[control];
      if (code !== undefined) return code;
    }
    throw cliErrors["bad-option"](`invalid detach keys (${text}): Unknown character: '${key}'`);
  });
}

/**
 * Watches typed bytes for the detach keys. Returns what to pass on, and whether the keys were complete; a part of them
 * is held back until it is clear that the rest does not follow.
 */
export function createDetachWatcher(keys: readonly number[]) {
  let matched = 0;
  return (chunk: Uint8Array): { pass: Uint8Array; detached: boolean } => {
    const pass: number[] = [];
    for (const byte of chunk) {
      if (byte === keys[matched]) {
        matched++;
        if (matched === keys.length) return { pass: Uint8Array.from(pass), detached: true };
        continue;
      }
      pass.push(...keys.slice(0, matched));
      matched = byte === keys[0] ? 1 : 0;
      if (matched === 0) pass.push(byte);
    }
    return { pass: Uint8Array.from(pass), detached: false };
  };
}

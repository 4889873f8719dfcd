/** Docker's default: ctrl-p, ctrl-q. */
export const defaultDetachKeys: Buffer = Buffer.from([16, 17]);

/** Parses `ctrl-p,ctrl-q`, `ctrl-@`, `DEL`, `a`; undefined when malformed (moby/term ascii.go). */
export function parseDetachKeys(text: string): Buffer | undefined {
  const codes: number[] = [];
  for (const key of text.split(",")) {
    const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
    if (control !== undefined) codes.push(control.charCodeAt(0) & 0x1f);
    else if (key === "DEL") codes.push(127);
    else if (/^[\x20-\x7e]$/.test(key)) codes.push(key.charCodeAt(0));
    else return undefined;
  }
  return Buffer.from(codes);
}

/**
 * Watches typed bytes for the detach keys (moby/term proxy.go): a match is swallowed, what only began like one is
 * passed on once it differs.
 */
export function createDetachWatcher(
  keys: Buffer,
): (chunk: Uint8Array) => { readonly pass: Uint8Array; readonly detach: boolean } {
  let matched = 0;
  return (chunk) => {
    // The usual case by far: nothing pending and the first key nowhere in sight.
    if (keys.length === 0 || (matched === 0 && !chunk.includes(keys[0] ?? 0))) return { pass: chunk, detach: false };
    const pass: number[] = [];
    for (const byte of chunk) {
      if (byte === keys[matched]) {
        matched++;
        if (matched === keys.length) return { pass: Buffer.from(pass), detach: true };
        continue;
      }
      for (let index = 0; index < matched; index++) pass.push(keys[index] ?? 0);
      matched = byte === keys[0] ? 1 : 0;
      if (matched === 0) pass.push(byte);
    }
    return { pass: Buffer.from(pass), detach: false };
  };
}

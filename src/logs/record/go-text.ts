/**
 * Length of the valid UTF-8 sequence at `at`, 0 when there is none: Go's unicode/utf8 rules (no surrogates, no
 * overlong forms, nothing above U+10FFFF).
 */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const continues = (index: number, low = 0x80, high = 0xbf) => {
    const byte = bytes[at + index] ?? 0;
    return byte >= low && byte <= high;
  };
  if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const low = lead === 0xe0 ? 0xa0 : 0x80;
    const high = lead === 0xed ? 0x9f : 0xbf;
    return continues(1, low, high) && continues(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const low = lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xf4 ? 0x8f : 0xbf;
    return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

/** Decodes as Go prints text into JSON: each byte that is no part of valid UTF-8 becomes one U+FFFD. */
export function decodeAsGo(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  // Usual case: valid, or the very character was written. Only broken input needs the slow way.
  if (!text.includes("\ufffd")) return text;
  let result = "";
  let from = 0;
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    result += `${bytes.toString("utf8", from, at)}\ufffd`;
    at++;
    from = at;
  }
  return result + bytes.toString("utf8", from);
}

/** The greatest cut at or before `limit` (at least 1) that is not inside a UTF-8 sequence. */
export function cutBeforeSequence(bytes: Uint8Array, limit: number): number {
  for (let cut = limit; cut > 0 && cut > limit - 4; cut--) {
    if (((bytes[cut] ?? 0) & 0xc0) !== 0x80) return cut;
  }
  return limit;
}

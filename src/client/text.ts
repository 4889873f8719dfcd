/** Decodes chunks of UTF-8 as one text. */
export function decodeText(chunks: readonly Uint8Array[]): string {
  const [only] = chunks;
  if (only === undefined) return "";
  return new TextDecoder().decode(chunks.length === 1 ? only : Buffer.concat(chunks));
}

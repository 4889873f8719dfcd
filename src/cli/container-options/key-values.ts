/** `key=value` texts as a map; a key alone has an empty value. */
export function parseMap(texts: readonly string[]): Record<string, string> {
  const map: Record<string, string> = {};
  for (const text of texts) {
    const equals = text.indexOf("=");
    if (equals < 0) map[text] = "";
    else map[text.slice(0, equals)] = text.slice(equals + 1);
  }
  return map;
}

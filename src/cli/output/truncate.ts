/** docker's Ellipsis: at most `limit` characters, the last one "…" when something was cut. */
export function ellipsis(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const characters = Array.from(text);
  if (characters.length <= limit) return text;
  if (limit <= 0) return "";
  return limit === 1 ? (characters[0] ?? "") : `${characters.slice(0, limit - 1).join("")}…`;
}

/** An RFC 3339 time in UTC as Go's `Time.String` shows it: without the fraction's last zeros. */
export function goTimestamp(text: string): string {
  return text
    .replace("T", " ")
    .replace(/(?:\.(\d*?)0*)?Z$/, (_, digits?: string) => `${digits ? `.${digits}` : ""} +0000 UTC`);
}

/** A time as Go's `Time.String` shows it in UTC: "2026-11-21 06:31:07 +0000 UTC". */
export function goTime(unixMs: number): string {
  return `${new Date(unixMs).toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;
}

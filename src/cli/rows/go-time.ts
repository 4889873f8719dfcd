/** A time as Go's `Time.String` shows it in UTC: "2026-11-21 06:31:07 +0000 UTC". */
export function goTime(unixMs: number): string {
  return `${new Date(unixMs).toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;
}

import { parseGoDuration, parseRfc3339 } from "#base";
import { cliErrors } from "../errors.ts";

/**
 * Reads `--since` and `--until`: unix seconds, RFC 3339, a date or a date and time in local time, or a duration that
 * is counted back from now. Returns unix seconds with nine decimals, as the API wants them; undefined for "".
 */
export function parseTimestamp(text: string, flagName: string, nowMs = Date.now()): string | undefined {
  if (text === "") return undefined;
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return text;
  const duration = parseGoDuration(text);
  if (duration !== undefined) return toSeconds(BigInt(Math.round(nowMs)) * 1_000_000n - BigInt(duration));
  const exact = parseRfc3339(text);
  if (exact !== undefined) return toSeconds(exact);
  const local = /^(\d{4}-\d\d-\d\d)(?:T(\d\d(?::\d\d(?::\d\d(?:\.\d{1,9})?)?)?))?(Z)?$/.exec(text);
  if (local !== null) {
    const [, date = "", time = "00", zone = ""] = local;
    const [hour = "00", minute = "00", second = "00"] = time.split(":");
    const ms = Date.parse(`${date}T${hour}:${minute}:${second}${zone}`);
    if (!Number.isNaN(ms)) return toSeconds(BigInt(ms) * 1_000_000n);
  }
  throw cliErrors["bad-option"](
    `${flagName === "" ? "" : `invalid value for "${flagName}": `}failed to parse value as time or duration: "${text}"`,
  );
}

function toSeconds(nanoseconds: bigint): string {
  const fraction = (nanoseconds % 1_000_000_000n).toString().padStart(9, "0");
  return `${nanoseconds / 1_000_000_000n}.${fraction}`;
}

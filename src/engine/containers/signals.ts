import { constants } from "node:os";
import { errors } from "../errors.ts";

const numbers: ReadonlyMap<string, number> = new Map([
  ...Object.entries(constants.signals),
  // Real-time signals as Docker names them (glibc's SIGRTMIN is 34).
  ["SIGRTMIN", 34],
  ["SIGRTMAX", 64],
  ...Array.from({ length: 15 }, (_, index): [string, number] => [`SIGRTMIN+${index + 1}`, 35 + index]),
  ...Array.from({ length: 14 }, (_, index): [string, number] => [`SIGRTMAX-${index + 1}`, 63 - index]),
]);

export const SIGKILL = 9;
export const SIGTERM = 15;

/** A signal by number ("9"), name ("KILL", "SIGKILL", any case); throws `invalid signal: X`. */
export function parseSignal(text: string): number {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number >= 1 && number <= 64) return number;
    throw errors.signalInvalid(text);
  }
  const upper = text.toUpperCase();
  const number = numbers.get(upper.startsWith("SIG") ? upper : `SIG${upper}`);
  if (number === undefined) throw errors.signalInvalid(text);
  return number;
}

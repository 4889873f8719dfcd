import { constants } from "node:os";

/** True for a signal as STOPSIGNAL takes it: a number from 1 to 64, or a name with or without SIG, RTMIN+n included. */
export function isSignal(text: string): boolean {
  if (/^\d+$/.test(text)) return Number(text) >= 1 && Number(text) <= 64;
  const name = text.toUpperCase().replace(/^SIG/, "");
  if (Object.hasOwn(constants.signals, `SIG${name}`)) return true;
  const realTime = /^RT(?:MIN(?:\+(\d+))?|MAX(?:-(\d+))?)$/.exec(name);
  return realTime !== null && Number(realTime[1] ?? realTime[2] ?? 0) <= 30;
}

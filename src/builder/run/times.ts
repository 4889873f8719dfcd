import { lstatSync, lutimesSync, readdirSync } from "node:fs";

/**
 * Sets every time later than `epoch` (seconds) to it, links and folders included, so that two builds of the same make the
 * same layer (reproducible-builds.org, SOURCE_DATE_EPOCH: "clamping").
 */
export function clampTimes(directory: string, epoch: number): void {
  clamp(Buffer.from(directory), epoch);
}

function clamp(path: Buffer, epoch: number): void {
  const status = lstatSync(path);
  if (status.isDirectory()) {
    for (const name of readdirSync(path, { encoding: "buffer" })) {
      clamp(Buffer.concat([path, Buffer.from("/"), name]), epoch);
    }
  }
  if (status.mtimeMs > epoch * 1000) lutimesSync(path, epoch, epoch);
}

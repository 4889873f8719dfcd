import { parseRamBytes } from "#base";
import { errors } from "./errors.ts";

/** Options of the local driver: what `mount(8)` would get (Docker's `type`, `o`, `device`). */
export type LocalMountOptions = { readonly type: string; readonly options: string; readonly device: string };

const known = ["type", "o", "device", "size"];

/** What each option needs beside it (moby `volume/local`, mandatoryOpts). */
const needed: Readonly<Record<string, readonly string[]>> = {
  device: ["type"],
  type: ["device"],
  o: ["device", "type"],
};

/** Refuses options the local driver does not know, and one without those it needs. */
export function checkMountOptions(name: string, options: Readonly<Record<string, string>>): void {
  const given = Object.keys(options);
  for (const option of given) if (!known.includes(option)) throw errors.volumeOptionInvalid(name, option);
  const { type = "", device = "" } = options;
  if (type === "cifs" && /^\/\/[^/]*:\d+(?:\/|$)/.test(device)) {
    throw errors.volumeOptionsRefused(name, "port not allowed in CIFS device URL, include 'port' in 'o='");
  }
  sizeOption(name, options);
  for (const option of given) {
    for (const other of needed[option] ?? []) {
      if (options[other] === undefined) throw errors.volumeOptionMissing(name, other);
    }
  }
  if (given.some((option) => option !== "size") && device === "") throw errors.volumeOptionMissing(name, "device");
}

/** Most the volume may hold in bytes; undefined = no limit. Throws invalid for what is no size. */
export function sizeOption(name: string, options: Readonly<Record<string, string>>): number | undefined {
  const text = options["size"];
  if (text === undefined) return undefined;
  const bytes = parseRamBytes(text);
  if (bytes === undefined || bytes < 0) throw errors.volumeOptionsRefused(name, `invalid size: '${text}'`);
  return bytes === 0 ? undefined : bytes;
}

/** What to mount on the volume's directory before its first use; undefined for a plain directory. */
export function mountOptions(options: Readonly<Record<string, string>>): LocalMountOptions | undefined {
  const { type = "", o = "", device = "" } = options;
  if (type === "" && device === "") return undefined;
  return { type, options: o, device };
}

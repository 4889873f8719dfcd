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
  if (options["size"] !== undefined)
    throw errors.volumeOptionsRefused(name, "quota size requested but no quota support");
  for (const option of given) {
    for (const other of needed[option] ?? []) {
      if (options[other] === undefined) throw errors.volumeOptionMissing(name, other);
    }
  }
  if (given.length > 0 && device === "") throw errors.volumeOptionMissing(name, "device");
}

/** What to mount on the volume's directory before its first use; undefined for a plain directory. */
export function mountOptions(options: Readonly<Record<string, string>>): LocalMountOptions | undefined {
  const { type = "", o = "", device = "" } = options;
  if (type === "" && device === "") return undefined;
  return { type, options: o, device };
}

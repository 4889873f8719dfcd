import { errors } from "./errors.ts";

/** Options of the local driver: what `mount(8)` would get (Docker's `type`, `o`, `device`). */
export type LocalMountOptions = { readonly type: string; readonly options: string; readonly device: string };

/** Refuses options the local driver does not know, and a `device` without `type` or the other way round. */
export function checkMountOptions(name: string, options: Readonly<Record<string, string>>): void {
  for (const option of Object.keys(options)) {
    if (!["type", "o", "device", "size"].includes(option)) throw errors.volumeOptionInvalid(name, option);
  }
  if (mountOptions(options) === undefined) {
    if (Object.keys(options).length > 0) throw errors.volumeOptionMissing(name, "device");
    return;
  }
  if ((options["device"] ?? "") === "") throw errors.volumeOptionMissing(name, "device");
  if ((options["type"] ?? "") === "") throw errors.volumeOptionMissing(name, "type");
}

/** What to mount on the volume's directory before its first use; undefined for a plain directory. */
export function mountOptions(options: Readonly<Record<string, string>>): LocalMountOptions | undefined {
  const { type = "", o = "", device = "" } = options;
  if (type === "" && device === "" && o === "") return undefined;
  return { type, options: o, device };
}

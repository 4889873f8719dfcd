import { readConfig } from "../configuration/config-file.ts";

/** `--detach-keys`, else what `config.json` says, else "" for Docker's own. */
export function detachKeysOf(flags: { readonly "detach-keys": string }): string {
  return flags["detach-keys"] || (readConfig().detachKeys ?? "");
}

import { cliErrors } from "../errors.ts";

/** `--builder`: the daemon is the only one there is. */
export function requireBuilder(name: string): void {
  if (name === "" || name === "default") return;
  throw cliErrors["bad-option"](`no builder "${name}" found: the one there is is called "default"`);
}

import { errors } from "../errors.ts";
import { booleanOption, type LogOptions } from "./values.ts";

/** The options of the gcplogs driver, checked. */
export type GcplogsOptions = {
  /** "" = as the environment or the instance says. */
  readonly project: string;
  /** The container's command is sent too. */
  readonly logsCommand: boolean;
  /** Where the records come from, where the instance does not say; "" = unknown. */
  readonly instance: { readonly zone: string; readonly name: string; readonly id: string };
};

const known: ReadonlySet<string> = new Set([
  "env",
  "env-regex",
  "labels",
  "labels-regex",
  "gcp-project",
  "gcp-log-cmd",
  "gcp-meta-zone",
  "gcp-meta-name",
  "gcp-meta-id",
]);

/** Checks the options of the gcplogs driver (moby `daemon/logger/gcplogs`, ValidateLogOpts). */
export function parseGcplogsOptions(options: LogOptions): GcplogsOptions {
  for (const option of Object.keys(options)) {
    if (!known.has(option)) throw errors.logOptionInvalid(`"${option}" is not a valid option for the gcplogs driver`);
  }
  return {
    project: options["gcp-project"] ?? "",
    logsCommand: booleanOption(options, "gcp-log-cmd"),
    instance: {
      zone: options["gcp-meta-zone"] ?? "",
      name: options["gcp-meta-name"] ?? "",
      id: options["gcp-meta-id"] ?? "",
    },
  };
}

import { defineErrors } from "#base";

/** Errors about log drivers and their options; the wording is Docker's, which differs from driver to driver. */
export const errors = defineErrors({
  logDriverUnknown: {
    kind: "invalid",
    message: (driver: string) => `logger: no log driver named '${driver}' is registered`,
    hint: () => "Log drivers are json-file, local, journald, syslog, fluentd, gelf and none.",
  },
  logOptionUnknown: {
    kind: "invalid",
    message: (option: string, driver: string) => {
      if (driver === "gelf") return `unknown log opt "${option}" for gelf log driver`;
      if (driver === "local") return `unknown log opt '${option}' for log driver local`;
      return `unknown log opt '${option}' for ${driver} log driver`;
    },
    hint: () => "docs/logs.md lists the options of each driver.",
  },
  logOptionInvalid: {
    kind: "invalid",
    message: (sentence: string) => sentence,
  },
  logDestinationUnavailable: {
    kind: "unavailable",
    message: (reason: string) => `failed to create task for container: failed to initialize logging driver: ${reason}`,
    hint: () => "Nothing was started: the place that the log driver sends to does not answer.",
  },
});

/** A remote driver could not be reached when a container was to start; the reason in one sentence. */
export const { logDestinationUnavailable } = errors;

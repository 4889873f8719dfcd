import { defineErrors } from "#base";

/** What can go wrong between the daemon, the supervisor and its processes. */
export const errors = defineErrors({
  supervisorUnavailable: {
    kind: "unavailable",
    message: (reason: string) => `The supervisor cannot be reached: ${reason}`,
    hint: () => "Running containers are not affected; it is restarted by the daemon",
  },
  supervisorVersion: {
    kind: "unavailable",
    message: (theirs: number, ours: number) =>
      `The running supervisor speaks protocol ${theirs}, this daemon ${ours}: stop the containers it holds, or use the daemon that started it`,
  },
  supervisorRunning: {
    kind: "conflict",
    message: (root: string) => `Another supervisor holds "${root}"`,
  },
  processIdInvalid: {
    kind: "invalid",
    message: (id: string) => `"${id}" is not an id of a process`,
  },
  processRunning: {
    kind: "conflict",
    message: (id: string) => `Process "${id}" is running already`,
  },
  processNotFound: {
    kind: "not-found",
    message: (id: string) => `No process "${id}" is running`,
  },
  processNoTerminal: {
    kind: "invalid",
    message: (id: string) => `Process "${id}" has no terminal to resize`,
  },
  supervisorRequestInvalid: {
    kind: "invalid",
    message: (reason: string) => `The supervisor does not understand the request: ${reason}`,
  },
  supervisorStartFailed: {
    kind: "internal",
    message: (id: string, reason: string) => `Cannot start process "${id}": ${reason}`,
  },
});

import type { ProcessExit, ProcessStatus, SupervisorClient } from "#supervisor";

/** Hands the supervisor's exit notices to whoever started the process. */
export type ExitHub = {
  /** The end of a process that is about to be started under `id`; call before starting it. */
  expect(id: string): ExpectedExit;
  /** Every exit nobody expects: containers. */
  onContainerExit(listener: (exit: ProcessExit) => void): void;
  /** Whether somebody waits for the end of this process, or is about to start it. */
  isExpected(id: string): boolean;
  /**
   * After the supervisor was replaced, with its books: ends they have are told, and started processes they no longer
   * have (it could not find them again) count as ended.
   */
  reconcile(statuses: readonly ProcessStatus[], lost: (id: string) => ProcessExit): void;
};

/** Someone's interest in the end of one process. */
export type ExpectedExit = {
  readonly exit: Promise<ProcessExit>;
  /** It runs: from now on its absence from the supervisor's books means that it has ended. */
  started(): void;
  cancel(): void;
};

export function createExitHub(supervisor: Pick<SupervisorClient, "onExit">): ExitHub {
  const expected = new Map<string, { settle(exit: ProcessExit): void; started: boolean }>();
  let containerListener: (exit: ProcessExit) => void = () => {};
  const tell = (exit: ProcessExit): boolean => {
    const entry = expected.get(exit.id);
    if (entry === undefined) return false;
    expected.delete(exit.id);
    entry.settle(exit);
    return true;
  };
  supervisor.onExit((exit) => {
    if (!tell(exit)) containerListener(exit);
  });
  return {
    expect: (id) => {
      const { promise, resolve } = Promise.withResolvers<ProcessExit>();
      const entry = { settle: resolve, started: false };
      expected.set(id, entry);
      return {
        exit: promise,
        started: () => {
          entry.started = true;
        },
        cancel: () => {
          if (expected.get(id) === entry) expected.delete(id);
        },
      };
    },
    onContainerExit: (listener) => {
      containerListener = listener;
    },
    isExpected: (id) => expected.has(id),
    reconcile: (statuses, lost) => {
      const known = new Map(statuses.map((status) => [status.id, status]));
      for (const [id, entry] of expected) {
        const status = known.get(id);
        if (status?.exit !== undefined) tell(status.exit);
        else if (status === undefined && entry.started) tell(lost(id));
      }
    },
  };
}

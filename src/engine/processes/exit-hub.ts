import type { ProcessExit, SupervisorClient } from "#supervisor";

/** Hands the supervisor's exit notices to whoever started the process. */
export type ExitHub = {
  /** The end of a process that is about to be started under `id`; call before starting it. */
  expect(id: string): { readonly exit: Promise<ProcessExit>; cancel(): void };
  /** Every exit nobody expects: containers. */
  onContainerExit(listener: (exit: ProcessExit) => void): void;
  /** Treats a process as ended that the supervisor no longer knows (it was killed and could not find it again). */
  reconcile(known: ReadonlySet<string>, lost: (id: string) => ProcessExit): void;
};

export function createExitHub(supervisor: Pick<SupervisorClient, "onExit">): ExitHub {
  const expected = new Map<string, (exit: ProcessExit) => void>();
  let containerListener: (exit: ProcessExit) => void = () => {};
  supervisor.onExit((exit) => {
    const settle = expected.get(exit.id);
    if (settle !== undefined) {
      expected.delete(exit.id);
      settle(exit);
    } else containerListener(exit);
  });
  return {
    expect: (id) => {
      const { promise, resolve } = Promise.withResolvers<ProcessExit>();
      expected.set(id, resolve);
      return { exit: promise, cancel: () => void expected.delete(id) };
    },
    onContainerExit: (listener) => {
      containerListener = listener;
    },
    reconcile: (known, lost) => {
      for (const [id, settle] of expected) {
        if (known.has(id)) continue;
        expected.delete(id);
        settle(lost(id));
      }
    },
  };
}

import type { EngineProcess } from "../engines/engine.ts";
import { isAlive, processesInCgroup } from "../engines/process.ts";

/** Pseudo-random numbers that a seed brings back (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What the daemon has told about one container. */
type Known = {
  /** The code it ends with; undefined = it runs until it is killed. */
  readonly exitCode: number | undefined;
  /** `start` was answered with success. */
  started: boolean;
  /** `rm -f` was asked for; until it is answered nobody knows. */
  removal: "none" | "asked" | "done";
  /** Until when it may run. */
  readonly endsBy: number;
};

type Answer = { readonly status: number; readonly text: string };

type Inspected = {
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly Pid: number;
    readonly ExitCode: number;
    readonly Error: string;
  };
};

/** Clients that work on a daemon while it is killed, and a book of what it has acknowledged. */
export type KillLoad = {
  /** Lets the clients work until `stop`. */
  start(): void;
  /** Resolves once every request under way is answered or broken. */
  stop(): Promise<void>;
  /** What contradicts the book or the kernel now; empty = all is well. Waits for ends that are due. */
  check(): Promise<readonly string[]>;
  /** Removes the containers that have done their part. */
  tidy(): Promise<void>;
  /** Answers that should never be given, since the beginning. */
  readonly surprises: readonly string[];
  readonly figures: { started: number; ended: number; lost: number; execs: number; removed: number };
};

const graceMs = 8000;

/** Zombies left out: they have ended, whoever is to read their exit code. */
const livingProcesses = (id: string): readonly number[] => processesInCgroup(id).filter((pid) => isAlive(pid));

/** Makes the load; `longLived` are containers that run all the time and must go on running. */
export function createKillLoad(engine: EngineProcess, random: () => number, longLived: readonly string[]): KillLoad {
  const book = new Map<string, Known>();
  const surprises: string[] = [];
  const figures = { started: 0, ended: 0, lost: 0, execs: 0, removed: 0 };
  let working = false;
  let workers: Promise<void>[] = [];

  /** undefined = the connection broke, as it must when the daemon dies. */
  const ask = async (method: string, path: string, body?: unknown): Promise<Answer | undefined> => {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`http://localhost${path}`, {
        unix: engine.socket,
        method,
        headers: { Connection: "close", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(20_000),
      });
      text = await response.text();
    } catch (error) {
      if (error instanceof Error && error.name === "TimeoutError") surprises.push(`${method} ${path}: no answer`);
      return undefined;
    }
    // 503: the supervisor is away for the moment.
    if (response.status >= 500 && response.status !== 503)
      surprises.push(`${method} ${path}: ${response.status} ${text}`);
    return { status: response.status, text };
  };

  const create = async (script: string, exitCode: number | undefined): Promise<string | undefined> => {
    const answer = await ask("POST", "/containers/create", { Image: "busybox", Cmd: ["sh", "-c", script] });
    if (answer?.status !== 201) return undefined;
    const { Id } = JSON.parse(answer.text) as { Id: string };
    book.set(Id, { exitCode, started: false, removal: "none", endsBy: Date.now() + 1000 });
    return Id;
  };

  const launch = async (id: string): Promise<boolean> => {
    const answer = await ask("POST", `/containers/${id}/start`);
    const known = book.get(id);
    if (answer?.status !== 204 || known === undefined) return false;
    known.started = true;
    figures.started++;
    return true;
  };

  const runToTheEnd = async () => {
    const code = 1 + Math.floor(random() * 100);
    const id = await create(`usleep ${Math.floor(random() * 600_000)}; exit ${code}`, code);
    if (id !== undefined) await launch(id);
  };

  const runAndRemove = async () => {
    const id = await create("sleep 1000", undefined);
    if (id === undefined) return;
    await launch(id);
    await Bun.sleep(random() * 100);
    const known = book.get(id);
    if (known === undefined) return;
    known.removal = "asked";
    const answer = await ask("DELETE", `/containers/${id}?force=1`);
    if (answer?.status === 204) {
      known.removal = "done";
      figures.removed++;
    }
  };

  const execute = async () => {
    const target = longLived[Math.floor(random() * longLived.length)] ?? "";
    const made = await ask("POST", `/containers/${target}/exec`, {
      Cmd: ["sh", "-c", "usleep 20000; exit 5"],
      AttachStdout: true,
    });
    if (made?.status !== 201) return;
    const { Id } = JSON.parse(made.text) as { Id: string };
    const detached = random() < 0.5;
    const answer = await ask("POST", `/exec/${Id}/start`, { Detach: detached });
    if (answer?.status === 200) figures.execs++;
  };

  const repeat = async (work: () => Promise<void>) => {
    // oxlint-disable-next-line no-unmodified-loop-condition -- set by start and stop below, while this waits
    while (working) {
      await work();
      await Bun.sleep(20 + random() * 60);
    }
  };

  const list = async (): Promise<ReadonlySet<string>> => {
    const answer = await ask("GET", "/containers/json?all=1");
    return new Set((JSON.parse(answer?.text ?? "[]") as { Id: string }[]).map(({ Id }) => Id));
  };

  const inspect = async (id: string): Promise<Inspected | undefined> => {
    const answer = await ask("GET", `/containers/${id}/json`);
    return answer?.status === 200 ? (JSON.parse(answer.text) as Inspected) : undefined;
  };

  const checkOne = async (id: string, known: Known): Promise<string | undefined> => {
    const found = await inspect(id);
    if (known.removal === "done") return found === undefined ? undefined : "is there although its removal was answered";
    if (found === undefined) return known.removal === "asked" ? undefined : "is gone";
    const { State } = found;
    const inside = livingProcesses(id);
    if (State.Running !== inside.length > 0)
      return `${State.Status}, but the kernel has ${inside.length} processes of it`;
    if (State.Running && !inside.includes(State.Pid))
      return `pid ${State.Pid} is not among its processes ${inside.join()}`;
    if (known.exitCode === undefined) {
      if (known.started && known.removal === "none" && !State.Running) return `does not run: ${JSON.stringify(State)}`;
      return undefined;
    }
    if (State.Running) return Date.now() > known.endsBy ? "has not ended" : "still runs";
    if (!known.started) return undefined;
    const lost = (State.ExitCode === 255 || State.ExitCode === 137) && State.Error !== "";
    if (State.ExitCode === known.exitCode || lost) return undefined;
    return `ended with ${JSON.stringify(State)} instead of ${known.exitCode}`;
  };

  const problems = async (): Promise<readonly string[]> => {
    const present = await list();
    const found: string[] = [];
    for (const id of longLived) {
      const problem = await checkOne(id, { exitCode: undefined, started: true, removal: "none", endsBy: Infinity });
      if (problem !== undefined) found.push(`long-lived ${id.slice(0, 12)}: ${problem}`);
    }
    for (const [id, known] of book) {
      const problem = await checkOne(id, known);
      if (problem !== undefined) found.push(`${id.slice(0, 12)}: ${problem} (${JSON.stringify(known)})`);
    }
    for (const id of present)
      if (livingProcesses(id).length > 0 && (await inspect(id))?.State.Running !== true)
        found.push(`${id}: runs unseen`);
    return found;
  };

  return {
    surprises,
    figures,
    start: () => {
      working = true;
      workers = [runToTheEnd, runToTheEnd, runAndRemove, execute].map(repeat);
    },
    stop: async () => {
      working = false;
      await Promise.all(workers);
    },
    check: async () => {
      const deadline = Date.now() + graceMs;
      for (;;) {
        const found = await problems();
        if (found.length === 0 || Date.now() > deadline) return found;
        await Bun.sleep(50);
      }
    },
    tidy: async () => {
      for (const [id, known] of book) {
        if (known.exitCode !== undefined && known.started) {
          figures.ended++;
          if ((await inspect(id))?.State.ExitCode !== known.exitCode) figures.lost++;
        }
        const answer = await ask("DELETE", `/containers/${id}?force=1`);
        if (answer?.status !== 204 && answer?.status !== 404)
          surprises.push(`rm -f ${id}: ${answer?.status ?? "no answer"} ${answer?.text ?? ""}`);
      }
      book.clear();
      // A create whose answer the kill cut off has taken effect or not; nobody can know its name, so it was never started.
      for (const id of await list()) {
        if (longLived.includes(id)) continue;
        const state = await inspect(id);
        if (state !== undefined && state.State.Status !== "created") surprises.push(`${id}: ${JSON.stringify(state)}`);
        await ask("DELETE", `/containers/${id}?force=1`);
      }
    },
  };
}

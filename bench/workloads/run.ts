import { createContainer, removeContainer, runContainer, startContainer } from "../container.ts";
import type { MeasuredEngine } from "../engine.ts";
import { type Connection, openConnection, streamToEnd } from "../http.ts";
import { scaled, timed, timedEach, timedParallel, type Workload } from "../workload.ts";

const none = { command: ["true"], network: "none" } as const;
const published = { command: ["true"], network: "bridge", ports: [80] } as const;
const sleeping = { command: ["sleep", "10000"], network: "bridge" } as const;

/** W1: one container with nothing around it. */
export const runNone: Workload = {
  id: "W1",
  title: "run --rm true, network none",
  prepare: (engine) => warm(engine, () => runContainer(engine.connection, none)),
  round: async (engine, size) => ({
    "W1 run none, API [ms]": await timedEach(scaled(size, 10), () => runContainer(engine.connection, none)),
    "W1 run none, CLI [ms]": await timedEach(scaled(size, 10), () =>
      engine.cli(["run", "--rm", "--network", "none", "busybox", "true"]),
    ),
  }),
};

/** W2: with a network and a published port. */
export const runBridge: Workload = {
  id: "W2",
  title: "run --rm true, bridge and one published port",
  prepare: (engine) => warm(engine, () => runContainer(engine.connection, published)),
  round: async (engine, size) => ({
    "W2 run bridge -p, API [ms]": await timedEach(scaled(size, 10), () => runContainer(engine.connection, published)),
    "W2 run bridge -p, CLI [ms]": await timedEach(scaled(size, 10), () =>
      engine.cli(["run", "--rm", "-p", "127.0.0.1::80", "busybox", "true"]),
    ),
  }),
};

/** W3: many at once. */
export const burst: Workload = {
  id: "W3",
  title: "200 × run --rm true, 16 in flight",
  round: async (engine, size) => {
    const lanes = await openLanes(engine, 16);
    let samples: number[] = [];
    const count = scaled(size, 200, 16);
    const elapsed = await timed(async () => {
      samples = await timedParallel(count, lanes.length, (_index, lane) =>
        runContainer(lanes[lane] as Connection, { command: ["true"], network: "bridge" }),
      );
    });
    for (const lane of lanes) lane.close();
    const sorted = samples.toSorted((a, b) => a - b);
    return {
      "W3 burst, API [containers/s]": [(count * 1000) / elapsed],
      "W3 burst p99, API [ms]": [sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0],
    };
  },
};

/** W4: a further process. */
export const exec: Workload = {
  id: "W4",
  title: "exec true, one by one and 8 at once",
  round: async (engine, size) => {
    const id = await createContainer(engine.connection, { command: ["sleep", "10000"], network: "none" });
    await startContainer(engine.connection, id);
    const lanes = await openLanes(engine, 8);
    try {
      return {
        "W4 exec, API [ms]": await timedEach(scaled(size, 20), () => execTrue(engine, engine.connection, id)),
        "W4 exec × 8 in flight, API [ms]": await timedParallel(scaled(size, 40, 8), 8, (_index, lane) =>
          execTrue(engine, lanes[lane] as Connection, id),
        ),
        "W4 exec, CLI [ms]": await timedEach(scaled(size, 10), () => engine.cli(["exec", id, "true"])),
      };
    } finally {
      for (const lane of lanes) lane.close();
      await removeContainer(engine.connection, id);
    }
  },
};

/** W5: the end of many. */
export const removal: Workload = {
  id: "W5",
  title: "rm -f of running containers, 4 in flight",
  round: async (engine, size) => {
    const lanes = await openLanes(engine, 4);
    const ids: string[] = [];
    await timedParallel(scaled(size, 40, 4), 4, async (_index, lane) => {
      const id = await createContainer(lanes[lane] as Connection, sleeping);
      await startContainer(lanes[lane] as Connection, id);
      ids.push(id);
    });
    let each: number[] = [];
    const elapsed = await timed(async () => {
      each = await timedParallel(ids.length, 4, (index, lane) =>
        removeContainer(lanes[lane] as Connection, ids[index] ?? ""),
      );
    });
    for (const lane of lanes) lane.close();
    return { "W5 rm -f, to return, API [ms]": each, "W5 rm -f, wall per container [ms]": [elapsed / ids.length] };
  },
};

/** As the docker command does it: the output's end is the end of the process, then its exit code is asked for. */
async function execTrue(engine: MeasuredEngine, connection: Connection, container: string): Promise<void> {
  const { Id } = await connection.json<{ Id: string }>("POST", `/v1.41/containers/${container}/exec`, {
    Cmd: ["true"],
    AttachStdout: true,
  });
  await streamToEnd(engine.process.socket, `/v1.41/exec/${Id}/start`, { Detach: false, Tty: false });
  const { ExitCode } = await connection.json<{ ExitCode: number | null }>("GET", `/v1.41/exec/${Id}/json`);
  if (ExitCode !== 0) throw new Error(`exec ended with ${String(ExitCode)}`);
}

async function openLanes(engine: MeasuredEngine, count: number): Promise<readonly Connection[]> {
  return Promise.all(Array.from({ length: count }, () => openConnection(engine.process.socket)));
}

async function warm(_engine: MeasuredEngine, work: () => Promise<void>): Promise<void> {
  for (let index = 0; index < 3; index += 1) await work();
}

import { readdirSync, readFileSync } from "node:fs";
import { createContainer, removeContainer, startContainer } from "../container.ts";
import { type Connection, openConnection } from "../http.ts";
import { scaled, timed, timedParallel, type Workload } from "../workload.ts";

/** W14: what many idle containers cost, and how soon a restarted daemon answers for them. */
export const density: Workload = {
  id: "W14",
  title: "300 × sleep: start, memory of the engine, idle CPU, restart of the daemon",
  round: async (engine, size) => {
    const count = scaled(size, 300, 10);
    const before = engineMemory(engine.namespace);
    const lanes = await Promise.all(Array.from({ length: 4 }, () => openConnection(engine.process.socket)));
    const ids: string[] = [];
    const start = await timed(() =>
      timedParallel(count, 4, async (_index, lane) => {
        const connection = lanes[lane] as Connection;
        const id = await createContainer(connection, { command: ["sleep", "100000"], network: "none" });
        await startContainer(connection, id);
        ids.push(id);
      }),
    );
    await Bun.sleep(1000);
    const after = engineMemory(engine.namespace);
    const ticks = engineTicks(engine.namespace);
    await Bun.sleep(3000);
    const idle = (engineTicks(engine.namespace) - ticks) / 3;
    for (const lane of lanes) lane.close();
    const samples: Record<string, readonly number[]> = {
      "W14 start, per container [ms]": [start / count],
      "W14 engine memory, PSS per container [MB]": [(after - before) / count],
      "W14 engine memory, PSS in all [MB]": [after],
      "W14 idle CPU [%]": [idle],
    };
    if (engine.name === "berth") {
      await engine.process.kill();
      samples["W14 daemon restart to ready [ms]"] = [await timed(() => engine.process.start())];
    }
    const cleaners = await Promise.all(Array.from({ length: 4 }, () => openConnection(engine.process.socket)));
    await timedParallel(ids.length, 4, (index, lane) =>
      removeContainer(cleaners[lane] as Connection, ids[index] ?? ""),
    );
    for (const lane of cleaners) lane.close();
    return samples;
  },
};

/** Processes of the engine itself: in its network namespace, and not the containers' own `sleep`. */
function engineProcesses(namespace: string): readonly string[] {
  const inode = readNamespace(`/run/netns/${namespace}`);
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      return readNamespace(`/proc/${pid}/ns/net`) === inode && !command.startsWith("sleep\0");
    } catch {
      return false; // ended while we looked
    }
  });
}

function readNamespace(path: string): string {
  return Bun.spawnSync(["stat", "-Lc", "%i", path]).stdout.toString().trim();
}

/** Proportional set size of the engine's processes, MB. */
function engineMemory(namespace: string): number {
  return engineProcesses(namespace).reduce((sum, pid) => {
    try {
      const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
      return sum + Number(/^Pss: +(\d+)/m.exec(text)?.[1] ?? 0) / 1024;
    } catch {
      return sum; // ended while we looked
    }
  }, 0);
}

/** User and system clock ticks (1/100 s) the engine's processes have used. */
function engineTicks(namespace: string): number {
  return engineProcesses(namespace).reduce((sum, pid) => {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
      return sum + Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
    } catch {
      return sum; // ended while we looked
    }
  }, 0);
}

import { createContainer, removeContainer, startContainer, waitContainer } from "../container.ts";
import { type Connection, openConnection } from "../http.ts";
import { scaled, timedEach, timedParallel, type Workload } from "../workload.ts";

/** W6: reading while a thousand containers are on record and a hundred run. */
export const reading: Workload = {
  id: "W6",
  title: "list, inspect and ping with 1000 stopped and 100 running containers",
  round: async (engine, size) => {
    const stopped = scaled(size, 1000, 20);
    const running = scaled(size, 100, 4);
    const lanes = await Promise.all(Array.from({ length: 4 }, () => openConnection(engine.process.socket)));
    const ids: string[] = [];
    const create = async (lane: number, command: readonly string[]): Promise<string> => {
      const connection = lanes[lane] as Connection;
      const id = await createContainer(connection, { command, network: "none" });
      ids.push(id);
      await startContainer(connection, id);
      return id;
    };
    await timedParallel(stopped, 4, async (_index, lane) => {
      await waitContainer(lanes[lane] as Connection, await create(lane, ["true"]));
    });
    await timedParallel(running, 4, async (_index, lane) => void (await create(lane, ["sleep", "100000"])));
    const [reader] = lanes as [Connection];
    const list = async (query: string, expected: number) => {
      const found = await reader.json<readonly unknown[]>("GET", `/v1.41/containers/json?${query}`);
      if (found.length !== expected) throw new Error(`${engine.name} lists ${found.length} of ${expected} containers`);
    };
    const samples = {
      "W6 list all [ms]": await timedEach(20, () => list("all=1", stopped + running)),
      "W6 list running [ms]": await timedEach(20, () => list("", running)),
      "W6 ps -aq, CLI [ms]": await timedEach(15, () => engine.cli(["ps", "-aq"])),
      "W6 ps -a, CLI [ms]": await timedEach(15, () => engine.cli(["ps", "-a"])),
      "W6 ps, CLI [ms]": await timedEach(15, () => engine.cli(["ps"])),
      "W6 ps -a --format json, CLI [ms]": await timedEach(15, () => engine.cli(["ps", "-a", "--format", "json"])),
      "W6 inspect [ms]": await timedEach(50, () => reader.json("GET", `/v1.41/containers/${ids.at(-1)}/json`)),
      "W6 ping [ms]": await timedEach(200, () => reader.request("GET", "/_ping")),
    };
    await timedParallel(ids.length, 4, (index, lane) => removeContainer(lanes[lane] as Connection, ids[index] ?? ""));
    for (const lane of lanes) lane.close();
    return samples;
  },
};

import { expect, test } from "bun:test";
import { useDaemon } from "../conformance/daemon.ts";
import { berthBinary } from "../engines/engine.ts";
import { eventually, runCommand } from "../engines/command.ts";
import { containerRows } from "./database-rows.ts";
import { differences, snapshot } from "./leak-oracle.ts";

const daemon = useDaemon();

/** Runs `work` for 0…count-1 with at most `inFlight` at once. */
async function inParallel(count: number, inFlight: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

const clients: readonly (readonly [string, string, number])[] = [
  ["berth", berthBinary, 200],
  ["docker", "docker", 100],
];

test.each(clients)(
  "%s run --rm, 16 in flight, answers rightly and leaves nothing",
  async (_name, binary, count) => {
    const before = await snapshot(daemon.engine);
    const started = performance.now();
    const wrong: string[] = [];
    await inParallel(count, 16, async (index) => {
      const code = index % 7;
      const result = await runCommand(
        [binary, "run", "--rm", "busybox", "sh", "-c", `echo out-${index}; echo err-${index} >&2; exit ${code}`],
        { environment: daemon.environment },
      );
      const right =
        result.exitCode === code && result.stdout === `out-${index}\n` && result.stderr === `err-${index}\n`;
      if (!right) wrong.push(`${index}: ${JSON.stringify(result)}`);
    });
    console.log(`${count} runs: ${((performance.now() - started) / count).toFixed(1)} ms each`);
    expect(wrong).toEqual([]);
    expect(await differences(before, daemon.engine)).toEqual([]);
    // Rows of ended containers' places on networks go together, a moment later.
    await eventually("rows of containers to go", () => Object.keys(containerRows(daemon.engine)).length === 0);
  },
  180_000,
);

import { expect, test } from "bun:test";
import { useDaemon } from "../conformance/daemon.ts";
import { eventually } from "../engines/command.ts";
import { processesNaming, signalProcess } from "../engines/process.ts";
import { containerRows } from "./database-rows.ts";
import { createKillLoad, seededRandom } from "./kill-load.ts";
import { differences, snapshot } from "./leak-oracle.ts";

const seed = Number(process.env["KILLS_SEED"] ?? Date.now() % 1_000_000);
/** 34 make a hundred kills; `kill-storm.test.ts` does a hundred in every run, under a lighter load. */
const roundsOfEachKind = Number(process.env["KILLS_ROUNDS"] ?? 34);
/** As many rounds as fit, unless a number was asked for. */
const budgetMs = process.env["KILLS_ROUNDS"] === undefined ? 75_000 : 300_000;
const kinds = ["daemon", "supervisor", "both"] as const;

const daemon = useDaemon();

function killSupervisors(): number {
  const found = processesNaming(daemon.engine.directory).filter(({ command }) =>
    / supervisor --exec-root /.test(command),
  );
  for (const { pid } of found) signalProcess(pid, "SIGKILL");
  return found.length;
}

/** What contradicts "0, 1, 2, … each once and in order". */
function sequenceFault(text: string): string | undefined {
  const lines = text.split("\n");
  // The last line may be half written in this moment.
  const whole = lines.slice(0, -1).map((line) => line.replace(/\r$/, ""));
  const wrong = whole.findIndex((line, index) => line !== String(index));
  return wrong < 0
    ? undefined
    : `line ${wrong} of ${whole.length} is ${JSON.stringify(whole.slice(wrong - 1, wrong + 3))}`;
}

test(`kill -9 at random moments loses nothing (KILLS_SEED=${seed})`, async () => {
  console.log(`KILLS_SEED=${seed}`);
  const random = seededRandom(seed);
  const before = await snapshot(daemon.engine);
  const counting = "i=0; while :; do echo $i; i=$((i+1)); usleep 4000; done";
  const counters = [
    await daemon.ok("run", "-d", "busybox", "sh", "-c", counting),
    await daemon.ok("run", "-d", "busybox", "sh", "-c", counting),
    await daemon.ok("run", "-d", "-t", "busybox", "sh", "-c", counting),
  ];
  const resting = await daemon.ok("run", "-d", "--init", "busybox", "sleep", "100000");
  const load = createKillLoad(daemon.engine, random, [...counters, resting]);
  const faults: string[] = [];
  let slowestMs = 0;
  let lines = 0;

  const begun = performance.now();
  const isLast = (round: number) =>
    round + 1 >= roundsOfEachKind * kinds.length || performance.now() - begun > budgetMs || faults.length > 5;
  let done = 0;

  for (let round = 0; done === 0; round++) {
    const kind = kinds[round % kinds.length] ?? "both";
    load.start();
    await Bun.sleep(50 + random() * 500);
    if (kind === "both" && random() < 0.5) killSupervisors();
    if (kind !== "supervisor") await daemon.engine.kill();
    if (kind !== "daemon") killSupervisors();
    if (kind !== "supervisor") {
      if (random() < 0.3) await Bun.sleep(300);
      const started = performance.now();
      await daemon.engine.start();
      slowestMs = Math.max(slowestMs, performance.now() - started);
    } else await Bun.sleep(100 + random() * 200);
    await load.stop();
    const found = await load.check();
    faults.push(...found.map((fault) => `round ${round} (${kind}): ${fault}`));
    await load.tidy();
    if (isLast(round)) done = round + 1;
    if (round % 10 === 9 || done > 0) {
      lines = 0;
      for (const id of counters) {
        const { stdout } = await daemon.cli(["logs", id]);
        lines += stdout.split("\n").length - 1;
        const fault = sequenceFault(stdout);
        if (fault !== undefined) faults.push(`round ${round}: log of ${id.slice(0, 12)}: ${fault}`);
      }
    }
  }
  console.log({ rounds: done, ...load.figures, lines, slowestStartMs: Math.round(slowestMs) });
  expect(faults).toEqual([]);
  expect(load.surprises).toEqual([]);

  await daemon.ok("rm", "-f", ...counters, resting);
  expect(await differences(before, daemon.engine)).toEqual([]);
  await eventually("rows of containers to go", () => Object.keys(containerRows(daemon.engine)).length === 0);
}, 400_000);

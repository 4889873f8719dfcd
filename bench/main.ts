import { loadavg, release } from "node:os";
import { parseArgs } from "node:util";
import type { EngineName } from "../tests/engines/engine.ts";
import { installedEngines, measuredEngine, type MeasuredEngine } from "./engine.ts";
import { renderJson, renderTable, type Results } from "./report.ts";
import type { Workload } from "./workload.ts";
import { buildCached, buildCold } from "./workloads/build.ts";
import { builders, nodeProject } from "./workloads/builders.ts";
import { buildParallel, buildProject } from "./workloads/project.ts";
import { density } from "./workloads/density.ts";
import { logs } from "./workloads/logs.ts";
import { reading } from "./workloads/reading.ts";
import { pullCold, pullWarm, pushes } from "./workloads/registry.ts";
import { burst, exec, removal, runBridge, runNone } from "./workloads/run.ts";

const workloads: readonly Workload[] = [
  runNone,
  runBridge,
  burst,
  exec,
  removal,
  reading,
  pullCold,
  pullWarm,
  pushes,
  buildCached,
  buildCold,
  buildProject,
  buildParallel,
  builders,
  nodeProject,
  logs,
  density,
];

const usage = `Usage: bun bench/main.ts [OPTIONS] [WORKLOAD…]

Measures Berth, dockerd and podman (those that are installed) on the same work, in one run, interleaved; as root.

${workloads.map(({ id, title }) => `  ${id.padEnd(5)}${title}`).join("\n")}

  --rounds N       rounds over all engines (default 3)
  --scale X        factor on the counts of a round (default 1; 0.2 for a quick look)
  --engines LIST   as berth,dockerd
  --json           data instead of the table
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "3" },
    scale: { type: "string", default: "1" },
    engines: { type: "string" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
const wanted = positionals.map((word) => word.toUpperCase());
const unknown = wanted.filter((word) => !workloads.some(({ id }) => id === word));
if (values.help || unknown.length > 0) {
  process.stdout.write(unknown.length > 0 ? `unknown workload: ${unknown.join(" ")}\n${usage}` : usage);
  process.exit(unknown.length > 0 ? 2 : 0);
}

const chosen = workloads.filter(({ id }) => wanted.length === 0 || wanted.includes(id));
const names = installedEngines().filter(
  (name) => values.engines === undefined || values.engines.split(",").includes(name),
);
const size = { scale: Number(values.scale) };
const results: Results = new Map();
const note = (text: string) => void process.stderr.write(`${text}\n`);
const circumstances = {
  started: new Date().toISOString(),
  kernel: release(),
  rounds: Number(values.rounds),
  ...size,
  loadBefore: loadavg()[0],
};

const engines: MeasuredEngine[] = [];
// Ctrl-C ends the measuring, not the cleaning up.
const interruption = new AbortController();
process.on("SIGINT", () => interruption.abort());
try {
  for (const name of names) {
    note(`starting ${name}`);
    engines.push(await measuredEngine(name));
  }
  for (const workload of chosen) if (!interruption.signal.aborted) await measure(workload);
} finally {
  for (const engine of engines) await engine.stop();
}
process.stdout.write(
  `${values.json ? renderJson(results, { ...circumstances, loadAfter: loadavg()[0] }) : renderTable(results, names)}\n`,
);

async function measure(workload: Workload): Promise<void> {
  const able: MeasuredEngine[] = [];
  for (const engine of engines) {
    try {
      await workload.prepare?.(engine);
      able.push(engine);
    } catch (error) {
      note(`${workload.id}: ${engine.name} cannot: ${String(error)}`);
    }
  }
  for (let round = 0; round < Number(values.rounds) && !interruption.signal.aborted; round += 1) {
    // Another order each round, so that nobody always follows the same neighbour.
    for (let turn = 0; turn < able.length; turn += 1) {
      const engine = able[(round + turn) % able.length] as MeasuredEngine;
      try {
        const samples = await workload.round(engine, size);
        for (const [metric, figures] of Object.entries(samples)) add(metric, engine.name, figures);
        note(
          `${workload.id} round ${round + 1} ${engine.name}: ${Object.entries(samples)
            .map(([metric, figures]) => `${metric} ${median(figures).toFixed(2)}`)
            .join("; ")}`,
        );
      } catch (error) {
        note(`${workload.id} round ${round + 1} ${engine.name} failed: ${String(error)}`);
      }
    }
  }
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN;
}

function add(metric: string, engine: EngineName, figures: readonly number[]): void {
  const byEngine = results.get(metric) ?? new Map<EngineName, number[]>();
  results.set(metric, byEngine);
  byEngine.set(engine, [...(byEngine.get(engine) ?? []), ...figures]);
}

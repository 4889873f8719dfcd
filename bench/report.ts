import type { EngineName } from "../tests/engines/engine.ts";

/** Samples by metric, then by engine. */
export type Results = Map<string, Map<EngineName, number[]>>;

export type Summary = {
  readonly median: number;
  readonly p95: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
};

export function summarize(samples: readonly number[]): Summary {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
  return {
    median: at(0.5),
    p95: at(0.95),
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
    count: sorted.length,
  };
}

const number = (value: number) => (Number.isFinite(value) ? value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0) : "–");

/** A Markdown table: a row for each metric, a column for each engine (median, p95, min), then ratios to the first engine. */
export function renderTable(results: Results, engines: readonly EngineName[]): string {
  const [first, ...others] = engines;
  const head = [
    "metric",
    ...engines.map((engine) => `${engine} median (p95, min)`),
    ...others.map((engine) => `${engine} ÷ ${first}`),
  ];
  const rows = [...results].map(([metric, byEngine]) => {
    const summaries = engines.map((engine) => summarize(byEngine.get(engine) ?? []));
    const cells = summaries.map(({ median, p95, min, count }) =>
      count === 0 ? "–" : count === 1 ? number(median) : `${number(median)} (${number(p95)}, ${number(min)})`,
    );
    const base = summaries[0]?.median ?? Number.NaN;
    return [
      metric,
      ...cells,
      ...summaries.slice(1).map(({ median }) => (Number.isNaN(median / base) ? "–" : `${number(median / base)}×`)),
    ];
  });
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** The same as data. */
export function renderJson(results: Results, circumstances: Readonly<Record<string, unknown>>): string {
  const metrics = Object.fromEntries(
    [...results].map(([metric, byEngine]) => [
      metric,
      Object.fromEntries([...byEngine].map(([engine, samples]) => [engine, { ...summarize(samples), samples }])),
    ]),
  );
  return JSON.stringify({ circumstances, metrics }, null, 2);
}

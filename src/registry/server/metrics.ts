type Labels = Readonly<Record<string, string>>;

/** Figures of a registry in Prometheus' text format (version 0.0.4). */
export type Metrics = {
  /** Counts one answered request. */
  request(labels: { readonly method: string; readonly route: string; readonly status: number }, seconds: number): void;
  add(name: CounterName, value: number, labels?: Labels): void;
  /** Gauges are asked for when somebody looks. */
  gauge(name: string, help: string, read: () => number): void;
  render(): string;
};

const counters = {
  berth_registry_received_bytes_total: "Bytes of blobs and manifests received.",
  berth_registry_sent_bytes_total: "Bytes of blobs and manifests sent.",
  berth_registry_mirror_requests_total: "Blobs and manifests asked of the mirror, by how they were answered.",
  berth_registry_garbage_runs_total: "Garbage collections that ended, by result.",
  berth_registry_garbage_bytes_total: "Bytes that garbage collections won.",
  berth_registry_failures_total: "Requests that failed for a reason inside the registry.",
} as const;

type CounterName = keyof typeof counters;

const buckets = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300];

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    const escaped = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
    return `${name}="${escaped}"`;
  });
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** An empty set of figures. */
export function createMetrics(): Metrics {
  const requests = new Map<string, number>();
  const durations = new Map<string, { counts: number[]; sum: number; count: number }>();
  const values = new Map<CounterName, Map<string, number>>();
  const gauges = new Map<string, { readonly help: string; readonly read: () => number }>();

  return {
    request: ({ method, route, status }, seconds) => {
      const key = labelText({ method, route, status: String(status) });
      requests.set(key, (requests.get(key) ?? 0) + 1);
      let duration = durations.get(route);
      if (duration === undefined) {
        duration = { counts: buckets.map(() => 0), sum: 0, count: 0 };
        durations.set(route, duration);
      }
      duration.sum += seconds;
      duration.count++;
      for (const [index, limit] of buckets.entries()) {
        if (seconds <= limit) duration.counts[index] = (duration.counts[index] ?? 0) + 1;
      }
    },
    add: (name, value, labels = {}) => {
      const series = values.get(name) ?? new Map<string, number>();
      const key = labelText(labels);
      series.set(key, (series.get(key) ?? 0) + value);
      values.set(name, series);
    },
    gauge: (name, help, read) => void gauges.set(name, { help, read }),
    render: () => {
      const lines = [
        "# HELP berth_registry_requests_total Requests answered.",
        "# TYPE berth_registry_requests_total counter",
        ...[...requests].map(([labels, value]) => `berth_registry_requests_total${labels} ${value}`),
        "# HELP berth_registry_request_seconds Time until an answer began.",
        "# TYPE berth_registry_request_seconds histogram",
      ];
      for (const [route, { counts, sum, count }] of durations) {
        for (const [index, limit] of buckets.entries()) {
          const labels = labelText({ route, le: String(limit) });
          lines.push(`berth_registry_request_seconds_bucket${labels} ${counts[index] ?? 0}`);
        }
        lines.push(
          `berth_registry_request_seconds_bucket${labelText({ route, le: "+Inf" })} ${count}`,
          `berth_registry_request_seconds_sum${labelText({ route })} ${sum}`,
          `berth_registry_request_seconds_count${labelText({ route })} ${count}`,
        );
      }
      for (const [name, help] of Object.entries(counters)) {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} counter`);
        for (const [labels, value] of values.get(name as CounterName) ?? []) lines.push(`${name}${labels} ${value}`);
      }
      for (const [name, { help, read }] of gauges) {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${read()}`);
      }
      return `${lines.join("\n")}\n`;
    },
  };
}

import { newId, nowNanoseconds } from "#base";
import type { HealthConfig } from "#formats";
import type { Container } from "../containers/container.ts";
import { type ContainerParts, emitContainerEvent } from "../containers/parts.ts";
import type { HealthState, HealthStatus } from "../contract/index.ts";
import type { ExecRunner } from "../execs/run-in-container.ts";
import { collectOutput } from "../processes/collect-output.ts";

const millisecond = 1_000_000;
const defaults = { intervalMs: 30_000, timeoutMs: 30_000, startIntervalMs: 5_000, retries: 3 };
/** Docker keeps five results of at most 4096 bytes. */
const keptResults = 5;
const keptBytes = 4096;

type ProbeTiming = {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly startPeriodMs: number;
  readonly startIntervalMs: number;
  readonly retries: number;
};

/** The command of a health check; undefined when there is none (`NONE`, or not set). */
export function probeCommand(container: Container): readonly string[] | undefined {
  const [kind, ...words] = container.document.config.Healthcheck?.Test ?? [];
  if (kind === "CMD") return words;
  if (kind === "CMD-SHELL") return [...(container.document.config.Shell ?? ["/bin/sh", "-c"]), words.join(" ")];
  return undefined;
}

function timingOf(config: HealthConfig | null | undefined): ProbeTiming {
  const ms = (nanoseconds: number | null | undefined, fallback: number) =>
    nanoseconds ? nanoseconds / millisecond : fallback;
  return {
    intervalMs: ms(config?.Interval, defaults.intervalMs),
    timeoutMs: ms(config?.Timeout, defaults.timeoutMs),
    startPeriodMs: ms(config?.StartPeriod, 0),
    startIntervalMs: ms(config?.StartInterval, defaults.startIntervalMs),
    retries: config?.Retries ? config.Retries : defaults.retries,
  };
}

/**
 * Probes a running container until it ends: first after one interval, failures inside the start
 * period do not count, `retries` failures in a row make it unhealthy, one success healthy.
 */
export function startHealthProbe(parts: ContainerParts, runner: ExecRunner, container: Container): void {
  container.stopHealth?.();
  container.health = undefined;
  const command = probeCommand(container);
  if (command === undefined) return;
  const timing = timingOf(container.document.config.Healthcheck);
  const startedMs = performance.now();
  let stopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  container.health = { status: "starting", failingStreak: 0, log: [] };
  container.stopHealth = () => {
    stopped = true;
    clearTimeout(timer);
  };
  const inStartPeriod = () => performance.now() - startedMs < timing.startPeriodMs;
  const schedule = () => {
    if (stopped) return;
    const wait =
      container.health?.status === "starting" && inStartPeriod() ? timing.startIntervalMs : timing.intervalMs;
    timer = setTimeout(() => void once(), wait);
  };
  const once = async () => {
    const duringStart = inStartPeriod();
    // A paused container is not probed: its answer could not come.
    if (container.life.status === "running") {
      const result = await probe(parts, runner, container, command, timing.timeoutMs);
      if (stopped) return;
      record(parts, container, result, { duringStart, retries: timing.retries });
    }
    schedule();
  };
  schedule();
}

type ProbeResult = HealthState["log"][number];

async function probe(
  parts: ContainerParts,
  runner: ExecRunner,
  container: Container,
  command: readonly string[],
  timeoutMs: number,
): Promise<ProbeResult> {
  const id = newId();
  const start = nowNanoseconds();
  try {
    const stream = await parts.supervisor.attach({ id, stdin: false, stdout: true, stderr: true, wait: true });
    const output = collectOutput(stream, keptBytes);
    const { exited } = await runner.start(container, {
      id,
      args: command,
      env: [],
      user: "",
      workingDirectory: "",
      terminal: false,
      openStdin: false,
      privileged: false,
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), timeoutMs);
    });
    const exit = await Promise.race([exited, late]);
    clearTimeout(timer);
    if (exit === undefined) {
      await parts.supervisor.signal(id, 9).catch(() => {
        // It ended by itself in this moment.
      });
      stream.destroy();
      const message = `Health check exceeded timeout (${timeoutMs >= 1000 ? `${timeoutMs / 1000}s` : `${timeoutMs}ms`})`;
      return { start, end: nowNanoseconds(), exitCode: -1, output: message };
    }
    return { start, end: BigInt(exit.exitedAt), exitCode: exit.exitCode, output: await output };
  } catch (error) {
    return {
      start,
      end: nowNanoseconds(),
      exitCode: -1,
      output: error instanceof Error ? error.message : String(error),
    };
  }
}

function record(
  parts: ContainerParts,
  container: Container,
  result: ProbeResult,
  rules: { readonly duringStart: boolean; readonly retries: number },
): void {
  const before = container.health ?? { status: "starting" as HealthStatus, failingStreak: 0, log: [] };
  const log = [...before.log, result].slice(-keptResults);
  let status: HealthStatus = before.status;
  let failingStreak = before.failingStreak;
  if (result.exitCode === 0) {
    status = "healthy";
    failingStreak = 0;
  } else if (!(rules.duringStart && before.status === "starting")) {
    failingStreak++;
    if (failingStreak >= rules.retries) status = "unhealthy";
  }
  container.health = { status, failingStreak, log };
  if (status !== before.status) emitContainerEvent(parts, container, `health_status: ${status}`);
}

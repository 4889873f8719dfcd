import { readFileSync } from "node:fs";
import type { HostConfig, RuntimeProcess } from "#formats";
import { isResourceLimitName, readResourceLimits } from "#linux";
import { errors } from "../errors.ts";

/** Where "unlimited" stands above every number. */
const unlimited = Number.MAX_SAFE_INTEGER;
const order = (value: number) => (value === -1 ? unlimited : value);

/** The kernel's RLIM_INFINITY, as `serializeSpec` takes it: no number of JavaScript is 2^64-1. */
const infinity = 2 ** 64;

/**
 * `--ulimit`s as the runtime takes them, clamped to the hard limits of this host's daemon: without CAP_SYS_RESOURCE a
 * limit cannot be raised, and a container that cannot start is worse than one with the most the host allows.
 */
export function resourceLimits(
  hostConfig: HostConfig,
  byDefault: NonNullable<HostConfig["Ulimits"]>,
): NonNullable<RuntimeProcess["rlimits"]> {
  const own = hostConfig.Ulimits ?? [];
  const requested = [...byDefault.filter(({ Name }) => !own.some((limit) => limit.Name === Name)), ...own];
  if (requested.length === 0) return [];
  const ours = readResourceLimits();
  return requested.map(({ Name, Soft, Hard }) => {
    const name = Name.toLowerCase().replace(/^rlimit_/, "");
    if (!isResourceLimitName(name)) throw errors.rangeExceeded(`invalid ulimit type: ${Name}`);
    const clamp = (value: number) => Math.min(order(value), order(ours[name].hard));
    const figure = (value: number) => (value === unlimited ? infinity : value);
    return { type: `RLIMIT_${name.toUpperCase()}`, soft: figure(clamp(Soft)), hard: figure(clamp(Hard)) };
  });
}

/**
 * `--oom-score-adj`, not below what the daemon itself has: the kernel refuses that without CAP_SYS_RESOURCE. Always
 * spelled out, as the supervisor, whose child a container is, may be protected from the OOM killer and it must not be.
 */
export function oomScoreAdjustment(hostConfig: HostConfig): number {
  const wanted = hostConfig.OomScoreAdj ?? 0;
  return mayLowerOomScore() ? wanted : Math.max(wanted, Number(readFileSync("/proc/self/oom_score_adj", "latin1")));
}

/** CAP_SYS_RESOURCE is capability 24 (capabilities(7)). */
function mayLowerOomScore(): boolean {
  const status = readFileSync("/proc/self/status", "latin1");
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return ((mask >> 24n) & 1n) === 1n;
}

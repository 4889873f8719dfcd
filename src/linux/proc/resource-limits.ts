import { stableBuffer, SYS, syscall } from "../ffi/index.ts";

/** The resources of setrlimit(2) by the names Docker and OCI use, without RLIMIT_, with their numbers. */
const numbers = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
} as const;

/** A limit of setrlimit(2) by its OCI name. */
export type ResourceLimitName = keyof typeof numbers;

/** A limit; -1 is "unlimited" (RLIM_INFINITY), as Docker writes it. */
export type ResourceLimit = { readonly soft: number; readonly hard: number };

const infinity = 0xffff_ffff_ffff_ffffn;

function figure(value: bigint): number {
  return value === infinity ? -1 : Number(value);
}

/** True when Linux has a limit of this name. */
export function isResourceLimitName(name: string): name is ResourceLimitName {
  return Object.hasOwn(numbers, name);
}

/** The limits of a process (0 = this one), by prlimit(2). */
export function readResourceLimits(pid = 0): Readonly<Record<ResourceLimitName, ResourceLimit>> {
  const limits = {} as Record<ResourceLimitName, ResourceLimit>;
  const old = stableBuffer(16);
  for (const [name, number] of Object.entries(numbers)) {
    syscall(`prlimit ${name} of ${pid}`, SYS.prlimit64, pid, number, null, old);
    limits[name as ResourceLimitName] = {
      soft: figure(old.readBigUInt64LE(0)),
      hard: figure(old.readBigUInt64LE(8)),
    };
  }
  return limits;
}

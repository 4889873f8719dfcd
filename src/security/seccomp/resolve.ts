import type { RuntimeSeccomp } from "#formats";
import { type KernelVersion, parseKernelVersion } from "#linux";
import type { SeccompProfile } from "./profile.ts";

/** What the conditions of a profile are about. */
export type SeccompTarget = {
  /** The bounding set. */
  readonly capabilities: readonly string[];
  /** Node's name of the architecture. */
  readonly architecture: string;
  readonly kernel: KernelVersion;
};

type Rule = NonNullable<SeccompProfile["syscalls"]>[number];
type Condition = NonNullable<Rule["includes"]>;

/** The profile's names of architectures, and libseccomp's. */
const architectures: Readonly<Record<string, { readonly name: string; readonly seccomp: string }>> = {
  x64: { name: "amd64", seccomp: "SCMP_ARCH_X86_64" },
  arm64: { name: "arm64", seccomp: "SCMP_ARCH_AARCH64" },
};

function atLeast(kernel: KernelVersion, text: string): boolean {
  const wanted = parseKernelVersion(text);
  return kernel.major > wanted.major || (kernel.major === wanted.major && kernel.minor >= wanted.minor);
}

/** An excluding condition drops the rule when any part of it holds. */
function isExcluded(condition: Condition, target: SeccompTarget, architecture: string): boolean {
  if (condition.arches?.includes(architecture) === true) return true;
  if (condition.caps?.some((name) => target.capabilities.includes(name)) === true) return true;
  return Boolean(condition.minKernel) && atLeast(target.kernel, condition.minKernel ?? "");
}

/** An including condition keeps the rule only when every part of it holds. */
function isIncluded(condition: Condition, target: SeccompTarget, architecture: string): boolean {
  if (condition.arches && condition.arches.length > 0 && !condition.arches.includes(architecture)) return false;
  if (condition.caps?.every((name) => target.capabilities.includes(name)) === false) return false;
  return !condition.minKernel || atLeast(target.kernel, condition.minKernel);
}

/**
 * Makes OCI's seccomp object of a profile for one container (moby `profiles/seccomp/seccomp_linux.go`, setupSeccomp).
 * Undefined when the profile is empty, which means no filter.
 */
export function resolveSeccomp(profile: SeccompProfile, target: SeccompTarget): RuntimeSeccomp | undefined {
  const rules = profile.syscalls ?? [];
  if (profile.defaultAction === "" && rules.length === 0) return undefined;
  const native = architectures[target.architecture];
  const mapped = profile.archMap?.find((row) => row.architecture === native?.seccomp);
  const listed = profile.architectures ?? [];
  const resolved = mapped === undefined ? listed : [mapped.architecture, ...(mapped.subArchitectures ?? [])];

  const seccomp: RuntimeSeccomp = { defaultAction: profile.defaultAction };
  if (typeof profile.defaultErrnoRet === "number") seccomp.defaultErrnoRet = profile.defaultErrnoRet;
  if (resolved.length > 0) seccomp.architectures = [...resolved];
  if (profile.flags && profile.flags.length > 0) seccomp.flags = profile.flags;
  seccomp.syscalls = [];
  for (const rule of rules) {
    if (rule.excludes && isExcluded(rule.excludes, target, native?.name ?? "")) continue;
    if (rule.includes && !isIncluded(rule.includes, target, native?.name ?? "")) continue;
    const args = rule.args?.map(({ index, value, valueTwo, op }) => ({
      index,
      value,
      op,
      ...(typeof valueTwo === "number" ? { valueTwo } : {}),
    }));
    seccomp.syscalls.push({
      names: rule.name ? [rule.name] : [...(rule.names ?? [])],
      action: rule.action,
      ...(typeof rule.errnoRet === "number" ? { errnoRet: rule.errnoRet } : {}),
      ...(args !== undefined && args.length > 0 ? { args } : {}),
    });
  }
  return seccomp;
}

import type { HostConfig, UpdateContainerBody } from "#formats";
import { validateResources } from "#runtime";
import { errors } from "../errors.ts";
import { cgroupResources } from "./cgroup-resources.ts";
import { type Container, hasProcess } from "./container.ts";
import { cgroupPath, type ContainerParts, emitContainerEvent } from "./parts.ts";
import { normalizeHostConfig } from "./host-config.ts";
import { validateHostConfig } from "./validate.ts";

/** Fields where zero, null or empty means "leave as it is". */
function changedFields(body: UpdateContainerBody): Partial<HostConfig> {
  const changed: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(body)) {
    if (key === "RestartPolicy" || value === null || value === undefined) continue;
    if (value === 0 && key !== "PidsLimit") continue;
    if (value === "" || value === false || (Array.isArray(value) && value.length === 0)) continue;
    changed[key] = value;
  }
  return changed;
}

/** `update`: limits and restart policy of a container, in force at once when it runs. The caller holds its lock. */
export function updateContainer(
  parts: ContainerParts,
  container: Container,
  body: UpdateContainerBody,
): { readonly warnings: readonly string[] } {
  const { document, life } = container;
  if (container.removing || life.status === "dead") throw errors.updateStopped(container.id);
  const current = document.hostConfig;
  const changed = changedFields(body);
  // Its processes are in a group below the old one.
  if (changed.CgroupParent !== undefined && changed.CgroupParent !== current.CgroupParent)
    throw errors.updateCgroupParent(container.id);
  const next: HostConfig = { ...current, ...changed };
  if (body.PidsLimit !== undefined && body.PidsLimit !== null)
    next.PidsLimit = body.PidsLimit > 0 ? body.PidsLimit : null;
  if (changed.NanoCpus !== undefined && ((current.CpuPeriod ?? 0) > 0 || (current.CpuQuota ?? 0) > 0)) {
    throw errors.optionsConflict("Nano CPUs cannot be updated as CPU Period/Quota has already been set");
  }
  if ((changed.CpuQuota !== undefined || changed.CpuPeriod !== undefined) && (current.NanoCpus ?? 0) > 0) {
    throw errors.optionsConflict("CPU Period/Quota cannot be updated as NanoCPUs has already been set");
  }
  // A memory limit above the stored swap limit needs the swap limit moved along.
  const memory = changed.Memory ?? 0;
  const storedSwap = current.MemorySwap ?? 0;
  if (memory > 0 && changed.MemorySwap === undefined && storedSwap > 0 && memory > storedSwap)
    throw errors.updateSwap();
  const policy = body.RestartPolicy;
  if (policy?.Name) {
    if (current.AutoRemove === true && policy.Name !== "no") throw errors.restartPolicyUpdateAutoRemove();
    next.RestartPolicy = { Name: policy.Name, MaximumRetryCount: policy.MaximumRetryCount ?? 0 };
  }
  validateHostConfig(document.config, next);
  const { hostConfig: checked, warnings } = validateResources(next, parts.hostLimits);
  // What this kernel does not offer is neither written nor remembered.
  const offered = Object.fromEntries(
    Object.entries(changed).filter(([key, value]) => checked[key as keyof HostConfig] === value),
  );
  if (hasProcess(container)) {
    const pids = body.PidsLimit;
    parts.openCgroup(cgroupPath(parts, container)).update({
      ...cgroupResources(offered, checked),
      ...(pids === undefined || pids === null ? {} : { pidsLimit: pids > 0 ? pids : -1 }),
    });
  }
  document.hostConfig = normalizeHostConfig(checked, parts.defaults);
  parts.registry.saveDocument(container);
  emitContainerEvent(parts, container, "update");
  return { warnings };
}

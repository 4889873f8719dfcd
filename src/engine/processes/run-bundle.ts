import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RuntimeSpec } from "#formats";
import { letContainersThrough } from "#linux";
import { serializeSpec } from "#runtime";
import type { ProcessStarted, RunRequest } from "#supervisor";
import type { ContainerParts } from "../containers/parts.ts";
import { compiledFilter, isReservedAnnotation, rememberCompiledFilter } from "./compiled-filters.ts";

/** Writes a bundle and starts its container: what containers and build steps have in common. */
export async function runBundle(
  { supervisor, snapshots }: Pick<ContainerParts, "supervisor" | "snapshots">,
  spec: RuntimeSpec,
  request: RunRequest,
): Promise<ProcessStarted> {
  mkdirSync(request.bundle, { recursive: true, mode: 0o700 });
  letContainersThrough(request.bundle, snapshots.idMapping);
  const given = Object.entries(spec.annotations ?? {}).filter(([name]) => !isReservedAnnotation(name));
  const annotations = { ...Object.fromEntries(given), ...compiledFilter(spec.linux.seccomp, request.runtime) };
  writeFileSync(join(request.bundle, "config.json"), serializeSpec({ ...spec, annotations }), { mode: 0o600 });
  const started = await supervisor.run(request);
  rememberCompiledFilter(spec.linux.seccomp, request.runtime, request.id);
  return started;
}

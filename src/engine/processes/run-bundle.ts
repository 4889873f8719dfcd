import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RuntimeSpec } from "#formats";
import { serializeSpec } from "#runtime";
import type { ProcessStarted, RunRequest, SupervisorClient } from "#supervisor";
import { compiledFilter, isReservedAnnotation, rememberCompiledFilter } from "./compiled-filters.ts";

/** Writes a bundle and starts its container: what containers and build steps have in common. */
export async function runBundle(
  supervisor: SupervisorClient,
  spec: RuntimeSpec,
  request: RunRequest,
): Promise<ProcessStarted> {
  mkdirSync(request.bundle, { recursive: true, mode: 0o700 });
  const given = Object.entries(spec.annotations ?? {}).filter(([name]) => !isReservedAnnotation(name));
  const annotations = { ...Object.fromEntries(given), ...compiledFilter(spec.linux.seccomp, request.runtime) };
  writeFileSync(join(request.bundle, "config.json"), serializeSpec({ ...spec, annotations }), { mode: 0o600 });
  const started = await supervisor.run(request);
  rememberCompiledFilter(spec.linux.seccomp, request.runtime, request.id);
  return started;
}

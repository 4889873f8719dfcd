import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RuntimeSeccomp } from "#formats";
import { errorCode } from "#linux";
import type { RuntimeCommand } from "#supervisor";

/**
 * crun compiles the seccomp profile anew for each container: 11 ms of the 20 ms that a start takes, for 8 KB of BPF
 * that are always the same. It leaves them in its state directory, and takes them back by an annotation (crun(1),
 * run.oci.seccomp_bpf_data). So the first container of a profile teaches us, and all later ones start in half the time.
 */
const annotation = "run.oci.seccomp_bpf_data";

/** True for an annotation that only the daemon may set: a client's would replace the profile the daemon decided on. */
export function isReservedAnnotation(name: string): boolean {
  return name === annotation;
}

/** Base64, by the resolved profile, which `security` makes once per set of capabilities. */
const filters = new WeakMap<RuntimeSeccomp, string>();

/** The annotation that spares crun the compilation; nothing for other runtimes and for a profile not yet seen. */
export function compiledFilter(
  seccomp: RuntimeSeccomp | undefined,
  runtime: RuntimeCommand,
): Readonly<Record<string, string>> {
  const filter = seccomp === undefined || runtime.name !== "crun" ? undefined : filters.get(seccomp);
  return filter === undefined ? {} : { [annotation]: filter };
}

/** Keeps what crun compiled for a container that has just started. */
export function rememberCompiledFilter(seccomp: RuntimeSeccomp | undefined, runtime: RuntimeCommand, id: string): void {
  if (seccomp === undefined || runtime.name !== "crun" || filters.has(seccomp)) return;
  try {
    const compiled = readFileSync(join(runtime.root, id, "seccomp.bpf"));
    // Whole instructions only (struct sock_filter is 8 bytes): anything else is not what we think it is.
    if (compiled.length > 0 && compiled.length % 8 === 0) filters.set(seccomp, compiled.toString("base64"));
  } catch (error) {
    // A crun that does not leave it there: it goes on compiling, and nothing is lost but time.
    if (errorCode(error) !== "ENOENT") throw error;
  }
}

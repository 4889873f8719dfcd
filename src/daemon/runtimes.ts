import type { SystemInfo } from "#engine";
import type { RuntimeCommand } from "#supervisor";
import { errors } from "./errors.ts";
import type { DaemonOptions } from "./options.ts";

/** The OCI runtimes of this host, and which one a container gets that names none. */
export type Runtimes = {
  readonly all: SystemInfo["runtimes"];
  readonly defaultName: string;
  /** By name, "" = the default; throws invalid when unknown or not working here. */
  readonly get: (name: string) => RuntimeCommand;
};

/** crun before runc before others, among those that work; `--default-runtime` decides when it is given. */
export function chooseRuntimes(
  all: SystemInfo["runtimes"],
  options: Pick<DaemonOptions, "defaultRuntime">,
  stateRoot: string,
): Runtimes {
  const chosen =
    options.defaultRuntime === ""
      ? all.find((runtime) => runtime.works)
      : all.find((runtime) => runtime.name === options.defaultRuntime);
  if (chosen === undefined || !chosen.works) {
    throw errors.noRuntime(all.map((runtime) => `${runtime.name}: ${runtime.reason}`).join("; ") || "none found");
  }
  return {
    all,
    defaultName: chosen.name,
    get: (name) => {
      const wanted = name === "" ? chosen.name : name;
      const runtime = all.find((candidate) => candidate.name === wanted);
      if (runtime === undefined) throw errors.runtimeUnknown(wanted);
      if (!runtime.works) throw errors.runtimeBroken(wanted, runtime.reason);
      return { name: runtime.name, path: runtime.path, root: `${stateRoot}/${runtime.name}` };
    },
  };
}

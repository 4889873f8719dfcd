/** An OCI runtime of this host, and whether it can be used. */
export type FoundRuntime = {
  readonly name: string;
  readonly path: string;
  readonly works: boolean;
  /** Why it does, or does not. */
  readonly reason: string;
  readonly version: string;
};

/** Facts about control groups that decide which runtime works. */
export type CgroupFacts = {
  readonly version: "v1" | "v2" | "hybrid";
  /** Controllers that the unified hierarchy of a hybrid host owns. */
  readonly unifiedControllers: readonly string[];
};

/** Tried in this order; crun starts a container in half of runc's time. */
const preferred = ["crun", "runc"];

function versionOf(path: string): { readonly version: string } | { readonly failure: string } {
  try {
    const { exitCode, stdout, stderr } = Bun.spawnSync([path, "--version"], { stdin: "ignore" });
    if (exitCode !== 0) return { failure: stderr.toString().trim() || `exit status ${exitCode}` };
    return { version: /version\s+(\S+)/.exec(stdout.toString())?.[1] ?? "unknown" };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

function judge(name: string, path: string, facts: CgroupFacts): FoundRuntime {
  const answer = versionOf(path);
  if ("failure" in answer) return { name, path, works: false, reason: `does not run: ${answer.failure}`, version: "" };
  const { version } = answer;
  // crun, src/libcrun/cgroup.c: on a hybrid host it wants every controller in version 1 hierarchies.
  if (name === "crun" && facts.version === "hybrid" && facts.unifiedControllers.length > 0) {
    const held = facts.unifiedControllers.join(", ");
    const reason = `refuses this host's hybrid control groups while the unified hierarchy holds ${held}; mounting the version 1 hierarchy of ${held} makes it work`;
    return { name, path, works: false, reason, version };
  }
  return { name, path, works: true, reason: `runs on control groups ${facts.version}`, version };
}

/**
 * The runtimes on PATH and those configured by name and path, best first, each with a verdict from facts alone (the
 * executable answers, the control groups suit it): no trial container is run.
 */
export function findRuntimes(
  facts: CgroupFacts,
  configured: Readonly<Record<string, string>>,
): readonly FoundRuntime[] {
  const found: FoundRuntime[] = [];
  for (const name of preferred) {
    const path =
      configured[name] ?? Bun.which(name, { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/usr/local/sbin` });
    if (path !== null) found.push(judge(name, path, facts));
  }
  for (const [name, path] of Object.entries(configured)) {
    if (!preferred.includes(name)) found.push(judge(name, path, facts));
  }
  return found;
}

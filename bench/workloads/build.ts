import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { timed, timedEach, type Workload } from "../workload.ts";

/** A context of `files` small files with a Dockerfile of `steps` COPY and RUN each, whose first step is `stamp`. */
export function makeContext(files: number, steps: number, stamp: string): string {
  const folder = mkdtempSync(join(tmpdir(), "berth-bench-context-"));
  mkdirSync(join(folder, "files"));
  for (let index = 0; index < files; index += 1)
    writeFileSync(join(folder, "files", `file-${index}`), `content of ${index}\n`);
  const lines = ["FROM busybox", `ENV STAMP=${stamp}`];
  for (let index = 0; index < steps; index += 1) lines.push(`COPY files/file-${index} /copied/`, "RUN true");
  writeFileSync(join(folder, "Dockerfile"), `${lines.join("\n")}\n`);
  return folder;
}

/** W10: nothing to do. The same client (docker) drives every engine. */
export const buildCached: Workload = {
  id: "W10",
  title: "build, all cached: 20 steps, context of 1000 files",
  round: async (engine) => {
    const folder = makeContext(1000, 10, "cached");
    try {
      // The time stamps of a new context must not matter to the cache; the first build may have work to do.
      const first = await engine.docker(["build", "-q", "-t", "bench-cached", folder]);
      const samples = await timedEach(5, async () => {
        const id = await engine.docker(["build", "-q", "-t", "bench-cached", folder]);
        if (id !== first) throw new Error("the build was not cached");
      });
      return { "W10 build cached [ms]": samples };
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

/** W11: everything to do. */
export const buildCold: Workload = {
  id: "W11",
  title: "build, nothing cached: 10 COPY and 10 RUN true",
  round: async (engine) => {
    const folder = makeContext(20, 10, `cold-${performance.now()}`);
    try {
      return { "W11 build cold [ms]": [await timed(() => engine.docker(["build", "-q", "-t", "bench-cold", folder]))] };
    } finally {
      rmSync(folder, { recursive: true });
      await engine.docker(["rmi", "-f", "bench-cold"]);
    }
  },
};

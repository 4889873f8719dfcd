import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { silentLogger } from "#base";
import { type BuildEvent, type Builder, type BuildRequest, type BuildResult, createBuilder } from "#builder";
import { type Database, openDatabase } from "#db";
import type { StepRequest, StepService } from "#engine";
import { type ImageRecord, type ImageStore, openImageStore } from "#images";
import { busyboxArchive } from "../engines/busybox-image.ts";
import { namespaceSteps } from "./namespace-steps.ts";
import { plainBuildRequest } from "./build-request.ts";

/** Whether builds can be run here without a daemon. */
export const canBuild = process.getuid?.() === 0 && existsSync("/bin/busybox");
if (!canBuild) console.log("builds skipped: they need root and busybox-static");

/** A builder on a data root of its own, with `busybox:latest`. */
export type BuilderFixture = {
  readonly root: string;
  readonly builder: Builder;
  readonly store: ImageStore;
  readonly database: Database;
  /** Every step that was run. */
  readonly runs: StepRequest[];
  /** Builds a Dockerfile with files, in BuildKit's dialect. */
  build(dockerfile: string, files?: Readonly<Record<string, string>>, options?: Partial<BuildRequest>): Promise<Built>;
  /** Looks at an image's files. */
  inspect<T>(imageId: string, look: (rootfs: string) => T): Promise<T>;
  /** A file of an image as text. */
  text(imageId: string, path: string): Promise<string>;
  close(): void;
};

export type Built = BuildResult & {
  readonly image: ImageRecord;
  readonly events: readonly BuildEvent[];
  /** What the steps printed. */
  readonly log: string;
};

/**
 * @param wrap changes the service that runs steps
 * @param parent where the data root is made
 */
export async function openBuilderFixture(
  wrap: (steps: StepService) => StepService = (steps) => steps,
  parent: string = tmpdir(),
): Promise<BuilderFixture> {
  const root = mkdtempSync(join(parent, "berth-builder-"));
  const database = openDatabase(join(root, "berth.db"));
  const store = openImageStore({ dataRoot: root, database, logger: silentLogger });
  const runs: StepRequest[] = [];
  const builder = createBuilder({
    images: store,
    steps: wrap(namespaceSteps((request) => runs.push(request))),
    database,
    dataRoot: root,
    events: { emit: () => {} },
    logger: silentLogger,
  });
  await builder.sweep();
  await store.catalog.load(Bun.file(await busyboxArchive()).stream(), () => {});
  let count = 0;
  const inspect = async <T>(imageId: string, look: (rootfs: string) => T): Promise<T> => {
    const id = `look-${count++}`;
    await store.snapshots.prepare(id, store.catalog.get(imageId).config.rootfs.diff_ids);
    try {
      return look(store.snapshots.mount(id));
    } finally {
      await store.snapshots.remove(id);
    }
  };
  return {
    root,
    builder,
    store,
    database,
    runs,
    build: async (dockerfile, files = {}, options = {}) => {
      const directory = join(root, `context-${count++}`);
      for (const [name, content] of Object.entries({ Dockerfile: dockerfile, ...files })) {
        mkdirSync(dirname(join(directory, name)), { recursive: true });
        writeFileSync(join(directory, name), content);
      }
      const events: BuildEvent[] = [];
      const request = { ...plainBuildRequest, dialect: "buildkit" as const, context: { directory }, ...options };
      const result = await builder.build(request, (event) => events.push(event), new AbortController().signal);
      const log = Buffer.concat(events.flatMap((event) => (event.kind === "log" ? [event.data] : []))).toString();
      return { ...result, image: store.catalog.get(result.imageId), events, log };
    },
    inspect,
    text: (imageId, path) => inspect(imageId, (rootfs) => readFileSync(join(rootfs, path), "utf8")),
    close: () => {
      const mounts = readFileSync("/proc/self/mountinfo", "utf8")
        .split("\n")
        .filter((line) => line.includes(root));
      const left = readdirSync(join(root, "builds"));
      database.close();
      rmSync(root, { recursive: true, force: true });
      if (mounts.length > 0 || left.length > 0) throw new Error(`left behind: ${[...mounts, ...left].join(", ")}`);
    },
  };
}

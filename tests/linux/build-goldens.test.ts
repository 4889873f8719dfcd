import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "#base";
import { type Builder, createBuilder } from "#builder";
import { type Database, openDatabase } from "#db";
import { type ImageRecord, type ImageStore, openImageStore } from "#images";
import { busyboxArchive } from "../engines/busybox-image.ts";
import { goldenCases, type GoldenCase } from "./build-goldens/cases.ts";
import { makeContext } from "./build-goldens/context.ts";
import goldens from "./build-goldens/goldens.json";
import { type Observation, observeTree, plainConfig, treeChanges } from "./build-goldens/observe.ts";
import { namespaceSteps } from "./namespace-steps.ts";
import { plainBuildRequest } from "./build-request.ts";

/*
 * The same Dockerfiles as Docker's BuildKit (20.10) built once (`build-goldens/record.ts`): same files, modes, owners and
 * contents, same config, same history.
 */
const isAble = process.getuid?.() === 0 && existsSync("/bin/busybox");
if (!isAble) console.log("build goldens skipped: they need root and busybox-static");

let root: string;
let database: Database;
let store: ImageStore;
let builder: Builder;
let before: Record<string, string>;

beforeAll(async () => {
  if (!isAble) return;
  root = mkdtempSync(join(tmpdir(), "berth-goldens-"));
  database = openDatabase(join(root, "berth.db"));
  store = openImageStore({ dataRoot: root, database, logger: silentLogger });
  builder = createBuilder({
    images: store,
    steps: namespaceSteps(),
    database,
    dataRoot: root,
    events: { emit: () => {} },
    logger: silentLogger,
  });
  await builder.sweep();
  const [busybox] = await store.catalog.load(Bun.file(await busyboxArchive()).stream(), () => {});
  if (busybox === undefined) throw new Error("the test image holds no image");
  before = await treeOf(busybox);
});

afterAll(() => {
  if (!isAble) return;
  database.close();
  rmSync(root, { recursive: true, force: true });
});

async function treeOf(image: ImageRecord): Promise<Record<string, string>> {
  await store.snapshots.prepare("look", image.config.rootfs.diff_ids);
  try {
    return observeTree(store.snapshots.mount("look"));
  } finally {
    await store.snapshots.remove("look");
  }
}

async function observe(given: GoldenCase, number: number): Promise<Observation> {
  const directory = join(root, `context-${number}`);
  makeContext(directory, given);
  const { secrets } = given;
  const { imageId } = await builder.build(
    {
      ...plainBuildRequest,
      dialect: "buildkit",
      context: { directory },
      tags: [`golden-${number}`],
      buildArgs: given.arguments ?? {},
      labels: given.labels ?? {},
      target: given.target,
      secrets: {
        read: async (id) => (secrets?.[id] === undefined ? undefined : Buffer.from(secrets[id])),
      },
    },
    () => {},
    new AbortController().signal,
  );
  const image = store.catalog.get(imageId);
  const startsFromBusybox = !/^FROM scratch/m.test(given.dockerfile.split(/\n(?=FROM )/).at(-1) ?? "");
  return {
    tree: treeChanges(startsFromBusybox ? before : {}, await treeOf(image), [
      "/sys",
      "/proc",
      "/dev",
      ...(given.ignore ?? []),
    ]),
    config: plainConfig(image.config.config ?? {}),
    history: (image.config.history ?? []).map((entry) => entry.created_by ?? ""),
  };
}

/**
 * History without what later versions of BuildKit tell otherwise: flags of COPY, values of ARG, arguments that were declared
 * again, ports, the text of a check.
 */
function asToldBefore(line: string): string {
  return line
    .replace(/^(COPY|ADD)(?: --\S+)+/, "$1")
    .replace(/^ARG (\w+)=.*/, "ARG $1")
    .replace(/^RUN \|\d+ ((?:\w+=\S* )+)/, (_line, words: string) => `RUN |${[...new Set(words.split(" "))].join(" ")}`)
    .replace(/^EXPOSE map\[(.*)\]$/, (_line, ports: string) => `EXPOSE [${ports.replaceAll(":{}", "")}]`)
    .replace(/^HEALTHCHECK .*/, "HEALTHCHECK");
}

describe.skipIf(!isAble)("as Docker's BuildKit builds it", () => {
  const recorded: Readonly<Record<string, Observation>> = goldens;
  test.each(goldenCases.map((given, number) => [given.name, given, number] as const))(
    "%s",
    async (name, given, number) => {
      const golden = recorded[name];
      if (golden === undefined) throw new Error("not recorded: see build-goldens/record.ts");
      const built = await observe(given, number);
      expect({ ...built, history: built.history.map(asToldBefore) }).toEqual({
        ...golden,
        history: golden.history.map(asToldBefore),
      });
    },
  );
});

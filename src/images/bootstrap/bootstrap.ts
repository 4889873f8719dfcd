import { type ContainerConfig, familiarName, withDefaultTag } from "#formats";
import { hostArchitecture } from "../catalog/image-config.ts";
import { readReference } from "../catalog/find.ts";
import type { ImageCatalog, ImageProgress, ImageRecord, LayerStore } from "../contract.ts";
import { errors } from "../errors.ts";
import { hostSuite, readHostSources, sourcesForSuite } from "./apt-sources.ts";
import { busyboxTar } from "./busybox.ts";
import { debianTar } from "./mmdebstrap.ts";
import { type Recipe, recipeFor } from "./recipe.ts";

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const DAY_SECONDS = 24 * 60 * 60;

type Prepared = {
  readonly tar: AsyncIterable<Uint8Array>;
  readonly epochSeconds: number;
  readonly config: ContainerConfig;
  readonly how: string;
};

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function prepareDebian(
  recipe: Extract<Recipe, { kind: "debian" }>,
  name: string,
  progress: ImageProgress,
  signal: AbortSignal | undefined,
): Prepared {
  const sources = readHostSources();
  const suite = recipe.suite ?? hostSuite(sources);
  if (suite === undefined)
    throw errors.bootstrapFailed(name, "the host's apt sources name no Debian or Ubuntu archive");
  const lines = sourcesForSuite(sources, recipe.distribution, suite);
  if (lines === undefined) {
    throw errors.bootstrapFailed(
      name,
      `the host's apt sources have no ${recipe.distribution} archive; use a suite they have, as in \`berth image bootstrap debian:bookworm --as ${name}\``,
    );
  }
  // Images made on one day from the same packages are equal.
  const epochSeconds = Math.floor(Date.now() / 1000 / DAY_SECONDS) * DAY_SECONDS;
  progress({
    status: `Making ${name} from ${recipe.distribution} ${suite}${recipe.withPython ? " with its Python" : ""}`,
  });
  return {
    tar: debianTar(
      { name, suite, sources: lines, isSlim: recipe.isSlim, withPython: recipe.withPython, epochSeconds },
      (line) => progress({ status: line }),
      signal,
    ),
    epochSeconds,
    config: { Env: [PATH], Cmd: [recipe.withPython ? "python3" : "bash"] },
    how: `mmdebstrap --variant=minbase ${suite}`,
  };
}

/**
 * Makes a base image where no registry is reachable: Debian and Ubuntu suites by mmdebstrap from the host's apt sources,
 * python images the same way with the suite's Python, busybox from the host's busybox-static.
 * @param name "debian:bookworm", "ubuntu:22.04", "python:3.11-slim", "busybox"
 * @param options.as another name for the image, e.g. "ubuntu:18.04"
 * @param options.suite a suite instead of the one the name means
 */
export async function bootstrapImage(
  store: { readonly catalog: ImageCatalog; readonly layers: LayerStore },
  name: string,
  options: { readonly suite?: string | undefined; readonly as?: string | undefined },
  progress: ImageProgress,
  signal?: AbortSignal,
): Promise<ImageRecord> {
  const reference = readReference(name);
  const as = options.as === undefined || options.as === "" ? undefined : readReference(options.as);
  const tag = familiarName(withDefaultTag(as ?? reference));
  const recipe = recipeFor(reference, { suite: options.suite === "" ? undefined : options.suite, as });
  const prepared: Prepared =
    recipe.kind === "busybox"
      ? { tar: once(busyboxTar()), epochSeconds: 0, config: { Env: [PATH], Cmd: ["sh"] }, how: "busybox-static" }
      : prepareDebian(recipe, tag, progress, signal);
  const { diffId, sizeBytes } = await store.layers.apply(prepared.tar);
  const created = new Date(prepared.epochSeconds * 1000).toISOString();
  const image = store.catalog.add({
    config: {
      architecture: hostArchitecture(),
      os: "linux",
      created,
      config: prepared.config,
      rootfs: { type: "layers", diff_ids: [diffId] },
      history: [{ created, created_by: prepared.how, comment: "berth image bootstrap" }],
    },
    tags: [tag],
  });
  progress({ status: `Made ${tag} (${Math.round(sizeBytes / 1e6)} MB)`, id: image.id });
  return image;
}

import { humanSize } from "#base";
import { type ContainerConfig, familiarName, withDefaultTag } from "#formats";
import { readReference } from "../catalog/find.ts";
import type { ImageCatalog, ImageProgress, ImageRecord, LayerStore } from "../contract.ts";
import { errors } from "../errors.ts";
import { hostSuite, readHostSources, sourcesForSuite } from "./apt-sources.ts";
import { busyboxRootfs } from "./busybox.ts";
import { type DebianPlatform, debianPlatform } from "./debian-platform.ts";
import { debianTar } from "./mmdebstrap.ts";
import { type Recipe, recipeFor } from "./recipe.ts";

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const DAY_SECONDS = 24 * 60 * 60;
/** How the history of a bootstrapped image says so. */
const comment = "berth image bootstrap";

/** What to make, known before anything is done. */
type Plan = {
  /** What it is made of, in words: the history's `created_by`. Equal plans make equal images. */
  readonly how: string;
  readonly config: ContainerConfig;
  readonly make: () => { readonly tar: AsyncIterable<Uint8Array>; readonly epochSeconds: number };
};

/** Which base image to make, and under which name. */
export type BootstrapOptions = {
  /** A suite instead of the one the name means. */
  readonly suite?: string | undefined;
  /** Another name for the image, e.g. "ubuntu:18.04". */
  readonly as?: string | undefined;
  /** Another platform than the machine's, as `linux/arm64`: its programs are run by QEMU, which binfmt_misc must know. */
  readonly platform?: string | undefined;
  /** Make it again, with the newest packages, though it is there. */
  readonly refresh?: boolean | undefined;
};

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function planBusybox(): Plan {
  return {
    how: "busybox-static",
    config: { Env: [PATH], Cmd: ["sh"] },
    make: () => {
      const { tar, epochSeconds } = busyboxRootfs();
      return { tar: once(tar), epochSeconds };
    },
  };
}

function planDebian(
  recipe: Extract<Recipe, { kind: "debian" }>,
  name: string,
  platform: DebianPlatform,
  progress: ImageProgress,
  signal: AbortSignal | undefined,
): Plan {
  const { debian: architecture } = platform;
  const isForeign = architecture !== debianPlatform(name, undefined).debian;
  const sources = readHostSources();
  const suite = recipe.suite ?? hostSuite(sources);
  if (suite === undefined)
    throw errors.bootstrapFailed(name, "the host's apt sources name no Debian or Ubuntu archive");
  const lines = sourcesForSuite(sources, recipe.distribution, suite);
  if (lines === undefined) {
    const own = hostSuite(sources);
    throw errors.bootstrapNoArchive(name, recipe.distribution, own === undefined ? undefined : `debian:${own}`);
  }
  const { isSlim, withPython } = recipe;
  return {
    how: `mmdebstrap --variant=minbase ${suite}${isSlim ? ", slim" : ""}${withPython ? ", with python3 and pip" : ""}${isForeign ? `, ${architecture}` : ""}`,
    config: withPython ? { Env: [PATH, "LANG=C.UTF-8"], Cmd: ["python3"] } : { Env: [PATH], Cmd: ["bash"] },
    make: () => {
      // Images made on one day from the same packages are equal.
      const epochSeconds = Math.floor(Date.now() / 1000 / DAY_SECONDS) * DAY_SECONDS;
      const tar = debianTar(
        { name, suite, architecture, sources: lines, isSlim, withPython, epochSeconds },
        (phase) => progress({ status: phase, id: name }),
        signal,
      );
      return { tar, epochSeconds };
    },
  };
}

/** An image that was made by the same plan: the one with this name before any other. */
function madeBefore(catalog: ImageCatalog, plan: Plan, name: string): ImageRecord | undefined {
  const isSo = ({ config: { history = [] }, repoTags }: ImageRecord) =>
    history.length === 1 &&
    history[0]?.comment === comment &&
    history[0].created_by === plan.how &&
    repoTags.length > 0;
  const named = catalog.find(name);
  return named !== undefined && isSo(named) ? named : catalog.list().find(isSo);
}

/**
 * Makes a base image where no registry is reachable: Debian and Ubuntu suites by mmdebstrap from the host's apt sources,
 * python images the same way with the suite's Python, busybox from the host's busybox-static. One that was made before
 * is used again, under another name too.
 * @param name "debian:bookworm", "ubuntu:22.04", "python:3.11-slim", "busybox"
 */
export async function bootstrapImage(
  store: { readonly catalog: ImageCatalog; readonly layers: LayerStore },
  name: string,
  options: BootstrapOptions,
  progress: ImageProgress,
  signal?: AbortSignal,
): Promise<ImageRecord> {
  const { catalog } = store;
  const reference = readReference(name);
  const as = options.as === undefined || options.as === "" ? undefined : readReference(options.as);
  const tag = familiarName(withDefaultTag(as ?? reference));
  const recipe = recipeFor(reference, { suite: options.suite === "" ? undefined : options.suite, as });
  const own = debianPlatform(tag, undefined);
  const platform =
    options.platform === undefined || options.platform === "" ? own : debianPlatform(tag, options.platform);
  // busybox is the machine's own program.
  if (recipe.kind === "busybox" && platform !== own) {
    throw errors.bootstrapPlatformUnknown(tag, options.platform ?? "", `linux/${own.architecture}`);
  }
  const plan = recipe.kind === "busybox" ? planBusybox() : planDebian(recipe, tag, platform, progress, signal);
  const before = options.refresh === true ? undefined : madeBefore(catalog, plan, tag);
  if (before !== undefined) {
    const made = `made on ${(before.config.created ?? "").slice(0, 10)}`;
    const isNamed = before.repoTags.includes(tag);
    if (!isNamed) catalog.tag(before.id, tag);
    progress({
      stream: isNamed
        ? `${tag} is there already, ${made} (--refresh makes it again)\n`
        : `${tag} is the same image as ${before.repoTags[0] ?? ""}, ${made} (--refresh makes it again)\n`,
    });
    return isNamed ? before : catalog.get(tag);
  }
  progress({ status: `Making ${tag}: ${plan.how}` });
  const { tar, epochSeconds } = plan.make();
  const { diffId, sizeBytes } = await store.layers.apply(tar);
  const created = new Date(epochSeconds * 1000).toISOString();
  const image = catalog.add({
    config: {
      architecture: platform.architecture,
      ...(platform.variant === undefined ? {} : { variant: platform.variant }),
      os: "linux",
      created,
      config: plan.config,
      rootfs: { type: "layers", diff_ids: [diffId] },
      history: [{ created, created_by: plan.how, comment }],
    },
    tags: [tag],
  });
  progress({ stream: `Made image: ${tag} (${humanSize(sizeBytes)})\n` });
  return image;
}

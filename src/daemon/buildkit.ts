import type { Logger } from "#base";
import type { BuildKit } from "#buildkit";
import type { Engine } from "#engine";
import {
  type Builder,
  type Builds,
  createExporters,
  type ExporterParts,
  type OpenRepository,
  platformsOf,
} from "#builder";

/** What BuildKit's protocol takes from the daemon. */
export type LazyBuildKitParts = ExporterParts & {
  readonly builder: Builder;
  readonly builds: Builds;
  readonly logger: Logger;
  readonly instanceId: string;
  readonly caBundle: string | undefined;
  readonly engine: Pick<Engine, "images">;
  readonly repository: OpenRepository;
  readonly snapshotter: string;
};

/** BuildKit's protocol, made when the first client comes that speaks it: its libraries are not part of the start. */
export function lazyBuildKit(parts: LazyBuildKitParts): () => Promise<BuildKit> {
  let made: Promise<BuildKit> | undefined;
  const make = async (): Promise<BuildKit> => {
    const { loadBuildKit } = await import("#buildkit");
    const { createBuildKit } = await loadBuildKit();
    return createBuildKit({
      ...parts,
      exporters: createExporters(parts),
      pull: async (reference, platform, credentials, signal) => {
        const wanted =
          platform === undefined
            ? undefined
            : [platform.os, platform.architecture, platform.variant ?? ""].filter((part) => part !== "").join("/");
        const [image] = await parts.engine.images.pull(
          { reference, platform: wanted, credentials: credentials ?? {} },
          () => {},
          signal,
        );
        return image ?? parts.engine.images.get(reference);
      },
      cache: {
        list: () => parts.builder.cache(),
        prune: (options) => parts.builder.prune(options),
      },
      platforms: platformsOf(),
    });
  };
  return () => (made ??= make());
}

import type { Logger } from "#base";
import type { BuildKit } from "#buildkit";
import { type Builder, type Builds, createExporters, type ExporterParts, platformsOf } from "#builder";

/** What BuildKit's protocol takes from the daemon. */
export type LazyBuildKitParts = ExporterParts & {
  readonly builder: Builder;
  readonly builds: Builds;
  readonly logger: Logger;
  readonly instanceId: string;
  readonly caBundle: string | undefined;
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
      push: undefined,
      cache: {
        list: () => parts.builder.cache(),
        prune: (options) => parts.builder.prune(options),
      },
      platforms: platformsOf(),
    });
  };
  return () => (made ??= make());
}

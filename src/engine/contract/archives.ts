import type { Digest, Nanoseconds } from "#base";
import type { ContainerConfig } from "#formats";
import type { Change } from "#images";

/** What `X-Docker-Container-Path-Stat` carries. */
export type PathStat = {
  readonly name: string;
  readonly size: number;
  /** Go's FileMode bits (dir 1<<31, symlink 1<<27, …), not st_mode. */
  readonly mode: number;
  readonly modified: Nanoseconds;
  readonly linkTarget: string;
};

/** Files of containers, running or not, volumes included; every path is resolved with RESOLVE_IN_ROOT. */
export type ArchiveService = {
  stat(container: string, path: string): Promise<PathStat>;
  get(container: string, path: string): Promise<{ readonly stat: PathStat; readonly tar: AsyncIterable<Uint8Array> }>;
  /** `tar` may be compressed. */
  put(
    container: string,
    path: string,
    tar: AsyncIterable<Uint8Array>,
    options: { readonly noOverwriteDirectoryNonDirectory: boolean; readonly copyOwner: boolean },
  ): Promise<void>;
  changes(container: string): Promise<readonly Change[]>;
  /** The root file system without volumes. */
  export(container: string): Promise<AsyncIterable<Uint8Array>>;
  commit(
    container: string,
    options: {
      readonly reference?: string | undefined;
      readonly author?: string | undefined;
      readonly comment?: string | undefined;
      /** Dockerfile instructions (`--change`), already parsed into config edits by the caller. */
      readonly edit?: ((config: ContainerConfig) => ContainerConfig) | undefined;
      readonly config?: ContainerConfig | undefined;
      readonly pause: boolean;
    },
  ): Promise<Digest>;
};

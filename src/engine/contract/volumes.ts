import type { ContainerId } from "#base";
import type { VolumeRecord } from "#volumes";

/** Volumes, with the containers' say in their removal. */
export type VolumeService = {
  create(request: {
    readonly name?: string | undefined;
    readonly driver?: string | undefined;
    readonly labels?: Readonly<Record<string, string>> | undefined;
    readonly options?: Readonly<Record<string, string>> | undefined;
  }): Promise<VolumeRecord>;
  list(): readonly (VolumeRecord & { readonly usedBy: readonly ContainerId[] })[];
  get(name: string): VolumeRecord;
  /** Bytes of its files; -1 when they cannot be read. */
  sizeOf(name: string): Promise<number>;
  /** In use = conflict naming the containers. */
  remove(name: string, options: { readonly force: boolean }): Promise<void>;
  prune(
    keep: (volume: VolumeRecord) => boolean,
    options: { readonly all: boolean },
  ): Promise<{ readonly deleted: readonly string[]; readonly reclaimedBytes: number }>;
};

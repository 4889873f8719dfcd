import type { EventService } from "#engine";
import type { ImageCatalog, LayerStore } from "#images";
import type { SourceTree } from "../context/tree.ts";
import type { BuildFacts, ProvenanceOptions } from "./attestations/provenance.ts";
import type { ExportChoice, ImageName } from "./choice.ts";
import type { PackedImage } from "./packed-image.ts";

/** A place of the client's that an output goes to. */
export type ExportDestination = {
  /** Sends one file. `describe` is what the client is told of it before. */
  stream(describe: ReadonlyMap<string, string>, chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** Sends a tree of files. */
  tree(tree: SourceTree, progress: (bytes: number) => void, signal: AbortSignal): Promise<void>;
  /** Sends an OCI layout to a directory; a client may take the blobs alone and write the index itself. */
  layout(tree: SourceTree, signal: AbortSignal): Promise<void>;
};

/** Pushes an image's blobs and manifests to a registry. */
export type PushImage = (
  name: ImageName,
  image: PackedImage,
  options: { readonly byDigest: boolean; readonly insecure: boolean },
  progress: (id: string, current: number, total: number) => void,
  signal: AbortSignal,
) => Promise<void>;

/** What is said about the images besides themselves. */
export type Attestations = {
  readonly provenance: ProvenanceOptions | undefined;
  readonly billOfMaterials: boolean;
};

/** One output of a build, and where it goes. */
export type ExportRequest = {
  readonly choice: ExportChoice;
  readonly destination: ExportDestination | undefined;
};

/** What belongs to all outputs of one build. */
export type ExportSettings = {
  /** Names given apart from the outputs (`-t`). */
  readonly tags: readonly string[];
  readonly attestations: Attestations;
  /** Several platforms' form, an index or a folder for each, also for one. @default false */
  readonly multiPlatform?: boolean | undefined;
  readonly facts: () => BuildFacts;
  readonly push: PushImage | undefined;
};

/** What exporters are made of. */
export type ExporterParts = {
  readonly catalog: ImageCatalog;
  readonly layers: LayerStore;
  readonly events: Pick<EventService, "emit">;
  /** The daemon's data root; what an export needs for a moment is in `<data root>/builds`. */
  readonly dataRoot: string;
  readonly version: string;
};

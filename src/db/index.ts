export { type Bindings, type Database, openDatabase } from "./database.ts";
export { type ContainerRow, type ContainerTable, containerTable } from "./tables/containers.ts";

export { type VolumeRow, volumeTable } from "./tables/volumes.ts";
export { type ImageDocumentRow, type ImageNameRow, type ImageRow, imageTable } from "./tables/images.ts";
export { type ImageIndexMemberRow, type ImageIndexRow, imageIndexTable } from "./tables/image-indexes.ts";
export { type ImageEvidenceRow, imageEvidenceTable } from "./tables/image-evidence.ts";
export { type LayerPinRow, type LayerRow, type LayerSnapshotRow, layerTable } from "./tables/layers.ts";
export { type PackedLayerRow, packedLayerTable } from "./tables/packed-layers.ts";
export { type LayerBlobRow, layerBlobTable } from "./tables/layer-blobs.ts";
export { type BuildCacheTable, buildCacheTable, type BuildFileRow, type BuildStepRow } from "./tables/build-cache.ts";
export { type NetworkRow, networkTable } from "./tables/networks.ts";
export { networkAttachmentTable, type NetworkEndpointRow, type NetworkPortRow } from "./tables/network-attachments.ts";
export {
  type BuildMountTable,
  buildMountTable,
  type BuildReasonTable,
  buildReasonTable,
} from "./tables/build-mounts.ts";
export { type BuildRow, buildTable } from "./tables/builds.ts";

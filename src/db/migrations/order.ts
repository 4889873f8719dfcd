import { sql as images } from "./001-images.ts";
import { sql as networks } from "./002-networks.ts";
import { sql as volumes } from "./003-volumes.ts";
import { sql as containers } from "./004-containers.ts";
import { sql as buildCache } from "./005-build-cache.ts";
import { sql as layerBlobs } from "./006-layer-blobs.ts";
import { sql as buildMounts } from "./007-build-mounts.ts";
import { sql as builds } from "./008-builds.ts";
import { sql as networkPools } from "./009-network-pools.ts";
import { sql as damagedLayers } from "./010-damaged-layers.ts";
import { sql as imageEvidence } from "./011-image-evidence.ts";
import { sql as packedLayers } from "./012-packed-layers.ts";
import { sql as imageIndexes } from "./013-image-indexes.ts";

/** Applied in this order, each once and in its own transaction; never edited after a release, only appended to. */
export const migrations: readonly { readonly name: string; readonly sql: string }[] = [
  { name: "001-images", sql: images },
  { name: "002-networks", sql: networks },
  { name: "003-volumes", sql: volumes },
  { name: "004-containers", sql: containers },
  { name: "005-build-cache", sql: buildCache },
  { name: "006-layer-blobs", sql: layerBlobs },
  { name: "007-build-mounts", sql: buildMounts },
  { name: "008-builds", sql: builds },
  { name: "009-network-pools", sql: networkPools },
  { name: "010-damaged-layers", sql: damagedLayers },
  { name: "011-image-evidence", sql: imageEvidence },
  { name: "012-packed-layers", sql: packedLayers },
  { name: "013-image-indexes", sql: imageIndexes },
];

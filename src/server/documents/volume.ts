import type { VolumeRecord } from "#engine";
import type { VolumeDocument } from "#formats";

/** A volume; its labels and options are null rather than empty, as Docker writes them. */
export function volumeDocument(volume: VolumeRecord): VolumeDocument {
  return {
    CreatedAt: new Date(volume.createdMs).toISOString().replace(/\.\d+Z$/, "Z"),
    Driver: volume.driver,
    Labels: orNull(volume.labels),
    Mountpoint: volume.mountpoint,
    Name: volume.name,
    Options: orNull(volume.options),
    Scope: "local",
  };
}

function orNull(map: Readonly<Record<string, string>>): Readonly<Record<string, string>> | null {
  return Object.keys(map).length === 0 ? null : map;
}

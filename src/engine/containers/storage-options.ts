import { parseRamBytes } from "#base";
import type { HostConfig } from "#formats";
import { errors } from "../errors.ts";

/** `--storage-opt size=10G`: how much a container may write; undefined = as much as there is. */
export function storageSize(
  hostConfig: Pick<HostConfig, "StorageOpt">,
  byDefault: number | undefined,
): number | undefined {
  let sizeBytes = byDefault;
  for (const [name, text] of Object.entries(hostConfig.StorageOpt ?? {})) {
    if (name.toLowerCase() !== "size") throw errors.rangeExceeded(`Unknown option ${name}`);
    const size = parseRamBytes(text);
    if (size === undefined || size < 0) throw errors.rangeExceeded(`invalid size: '${text}'`);
    sizeBytes = size === 0 ? undefined : size;
  }
  return sizeBytes;
}

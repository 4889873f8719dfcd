import { fitsPlatform, hostPlatform, platformText } from "#formats";
import type { ImageCatalog, ImageRecord } from "#images";
import { loadRegistryClient } from "#registry";
import { errors } from "../errors.ts";

/** Docker's names for the architectures that this daemon runs on. */
const hostArchitectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64", ia32: "386", arm: "arm" };

/** The image that a name means; of several platforms the one that was asked for, or the host's. */
export async function requestedImage(
  catalog: Pick<ImageCatalog, "get">,
  reference: string,
  requested: string | undefined,
): Promise<ImageRecord> {
  if (requested === undefined) return catalog.get(reference);
  const { parsePlatform } = await loadRegistryClient();
  return catalog.get(reference, parsePlatform(requested));
}

/**
 * Holds an image against the platform that was asked for, or the host's: Docker answers not-found for the first, so
 * that clients pull the right one, and only warns of the second, which emulation may run.
 * @returns a warning, if there is one to give
 */
export async function checkPlatform(
  image: ImageRecord,
  reference: string,
  requested: string | undefined,
): Promise<string | undefined> {
  const { os, architecture, variant } = image.config;
  if (requested === undefined && os === "linux" && architecture === hostArchitectures[process.arch]) return undefined;
  const { parsePlatform } = await loadRegistryClient();
  const actual = { os, architecture, ...(variant === undefined ? {} : { variant }) };
  const wanted = requested === undefined ? hostPlatform() : parsePlatform(requested);
  if (fitsPlatform(wanted, actual)) return undefined;
  if (requested !== undefined) throw errors.platformMismatch(reference, platformText(wanted), platformText(actual));
  return `The requested image's platform (${platformText(actual)}) does not match the detected host platform (${platformText(wanted)}) and no specific platform was requested`;
}

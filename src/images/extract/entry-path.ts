import { errors } from "../errors.ts";
import { fromByteString } from "#linux";

/** Longest path we accept in an archive; the kernel takes 4095 bytes. */
const LONGEST = 4095;

/**
 * Cleans a path of an archive without touching any file: "." and double slashes go, ".." takes its parent away, a
 * leading slash means the root of the extraction. "" is the root itself. Throws when it would climb above the root.
 */
export function cleanEntryPath(path: string): string {
  if (path.includes("\0")) throw errors.archiveEntryInvalid(fromByteString(path), "its name holds a NUL byte");
  // The usual shape needs no work: no empty, "." or ".." part.
  if (path.length <= LONGEST && path !== "" && !/(^|\/)(\.{0,2})(\/|$)/.test(path)) return path;
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) {
      throw errors.archiveEntryInvalid(fromByteString(path), "it lies outside of the archive's root");
    }
  }
  const clean = parts.join("/");
  if (clean.length > LONGEST)
    throw errors.archiveEntryInvalid(`${fromByteString(clean.slice(0, 80))}…`, "its path is too long");
  return clean;
}

/** Splits a cleaned path at its last slash. */
export function splitPath(path: string): { readonly parent: string; readonly name: string } {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? { parent: "", name: path } : { parent: path.slice(0, slash), name: path.slice(slash + 1) };
}

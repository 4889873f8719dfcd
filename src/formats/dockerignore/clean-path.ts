import { posix } from "node:path";

/** Go's `filepath.Clean`: normalised, without a trailing slash, `.` for nothing. */
export function cleanPath(path: string): string {
  const clean = posix.normalize(path);
  return clean.length > 1 && clean.endsWith("/") ? clean.slice(0, -1) : clean;
}

import { readFileSync } from "node:fs";

/** What the host calls itself (os-release(5)). */
export type OsRelease = { readonly id: string; readonly prettyName: string; readonly version: string };

/** Parses os-release: shell assignments with optional quotes. */
export function parseOsRelease(text: string): OsRelease {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^([A-Z_0-9]+)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(.*))$/.exec(line.trim());
    if (match === null) continue;
    values.set(match[1] ?? "", match[2]?.replaceAll(/\\(.)/g, "$1") ?? match[3] ?? match[4] ?? "");
  }
  return {
    id: values.get("ID") ?? "linux",
    prettyName: values.get("PRETTY_NAME") ?? values.get("NAME") ?? "Linux",
    version: values.get("VERSION_ID") ?? "",
  };
}

/** The host's os-release; "Linux" when it has none. */
export function readOsRelease(): OsRelease {
  for (const path of ["/etc/os-release", "/usr/lib/os-release"]) {
    try {
      return parseOsRelease(readFileSync(path, "utf8"));
    } catch {
      // The next place, or none: minimal hosts have no such file.
    }
  }
  return parseOsRelease("");
}

import { toByteString } from "#linux";
import { openDirectoryTree } from "../../context/directory-tree.ts";
import { resolveInTree, type SourceTree } from "../../context/tree.ts";
import { readEntryText } from "../../context/read-entry-text.ts";

/** A package that a root file system says is installed in it. */
export type InstalledPackage = {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: string | undefined;
  readonly licence: string | undefined;
  readonly maintainer: string | undefined;
  /** package-url.org */
  readonly url: string;
};

/** Larger databases than any distribution has are not read. */
const limitBytes = 256 * 1024 * 1024;

/** The packages of a root file system: what dpkg (its status files) and apk (its database) say. */
export function installedPackages(rootfs: string): {
  readonly packages: readonly InstalledPackage[];
  readonly distribution: string;
} {
  const tree = openDirectoryTree(rootfs);
  try {
    const release = new Map(
      (readText(tree, "etc/os-release") ?? readText(tree, "usr/lib/os-release") ?? "")
        .split("\n")
        .flatMap((line): [string, string][] => {
          const match = /^(\w+)="?([^"]*)"?$/.exec(line);
          return match === null ? [] : [[match[1] ?? "", match[2] ?? ""]];
        }),
    );
    const id = release.get("ID") ?? "linux";
    const version = release.get("VERSION_ID");
    const distribution = version === undefined ? id : `${id}-${version}`;
    const dpkg = [
      readText(tree, "var/lib/dpkg/status") ?? "",
      // Images without a package manager keep one file for each package (distroless).
      ...filesOf(tree, "var/lib/dpkg/status.d")
        .filter((name) => !name.endsWith(".md5sums"))
        .map((name) => readText(tree, `var/lib/dpkg/status.d/${name}`) ?? ""),
    ].flatMap((text) => dpkgPackages(text, id, distribution));
    const apk = ["lib/apk/db/installed", "usr/lib/apk/db/installed"].flatMap((path) =>
      apkPackages(readText(tree, path) ?? "", id, distribution),
    );
    return { packages: [...dpkg, ...apk].sort((a, b) => (a.url < b.url ? -1 : 1)), distribution };
  } finally {
    tree.close();
  }
}

/** deb-control(5): paragraphs of fields; only what is installed counts. */
export function dpkgPackages(text: string, vendor: string, distribution: string): readonly InstalledPackage[] {
  return text.split(/\n\n+/).flatMap((paragraph) => {
    const fields = new Map<string, string>();
    for (const line of paragraph.split("\n")) {
      const match = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
      if (match !== null) fields.set((match[1] ?? "").toLowerCase(), match[2] ?? "");
    }
    const [name, version] = [fields.get("package"), fields.get("version")];
    const status = fields.get("status");
    if (name === undefined || version === undefined) return [];
    if (status !== undefined && !status.endsWith(" installed")) return [];
    const architecture = fields.get("architecture") ?? "all";
    return [
      {
        name,
        version,
        architecture,
        source: fields.get("source"),
        licence: undefined,
        maintainer: fields.get("maintainer"),
        url: purl("deb", vendor, name, version, architecture, distribution),
      },
    ];
  });
}

/** apk's installed database: one letter, a colon and a value a line (wiki.alpinelinux.org/wiki/Apk_spec). */
export function apkPackages(text: string, vendor: string, distribution: string): readonly InstalledPackage[] {
  return text.split(/\n\n+/).flatMap((paragraph) => {
    const fields = new Map<string, string>();
    for (const line of paragraph.split("\n")) if (line[1] === ":") fields.set(line[0] ?? "", line.slice(2));
    const [name, version] = [fields.get("P"), fields.get("V")];
    if (name === undefined || version === undefined) return [];
    const architecture = fields.get("A") ?? "noarch";
    return [
      {
        name,
        version,
        architecture,
        source: fields.get("o"),
        licence: fields.get("L"),
        maintainer: fields.get("m"),
        url: purl("apk", vendor, name, version, architecture, distribution),
      },
    ];
  });
}

function purl(
  type: string,
  vendor: string,
  name: string,
  version: string,
  architecture: string,
  distribution: string,
): string {
  const encode = (part: string) => encodeURIComponent(part).replaceAll("%3A", ":");
  return `pkg:${type}/${encode(vendor)}/${encode(name)}@${encode(version)}?arch=${encode(architecture)}&distro=${encode(distribution)}`;
}

function filesOf(tree: SourceTree, path: string): readonly string[] {
  const folder = resolveInTree(tree, path);
  if (folder?.type !== "directory") return [];
  return tree
    .list(folder.path)
    .filter(({ type }) => type === "file")
    .map((entry) => entry.path.slice(entry.path.lastIndexOf("/") + 1));
}

function readText(tree: SourceTree, path: string): string | undefined {
  const entry = resolveInTree(tree, toByteString(path));
  if (entry?.type !== "file" || entry.sizeBytes > limitBytes) return undefined;
  return readEntryText(tree, entry);
}

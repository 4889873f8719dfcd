import { readFileSync } from "node:fs";

/** One line of /proc/pid/mountinfo (proc_pid_mountinfo(5)). */
export type MountInfo = {
  readonly id: number;
  readonly parentId: number;
  /** `major:minor` of the file system. */
  readonly device: string;
  /** The directory of the file system that is mounted. */
  readonly root: string;
  readonly mountPoint: string;
  readonly options: readonly string[];
  /** Propagation: "shared:1", "master:2", "unbindable", … */
  readonly optionalFields: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly superOptions: readonly string[];
};

/** The kernel writes space, tab, newline and backslash as octal escapes (fs/seq_file.c, mangle_path). */
function unescape(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Parses the text of a mountinfo file; lines it cannot read are left out. */
export function parseMountInfo(text: string): MountInfo[] {
  const mounts: MountInfo[] = [];
  for (const line of text.split("\n")) {
    const fields = line.split(" ");
    const separator = fields.indexOf("-", 6);
    if (separator < 0 || fields.length < separator + 4) continue;
    const [id = "", parentId = "", device = "", root = "", mountPoint = "", options = ""] = fields;
    mounts.push({
      id: Number(id),
      parentId: Number(parentId),
      device,
      root: unescape(root),
      mountPoint: unescape(mountPoint),
      options: options.split(","),
      optionalFields: fields.slice(6, separator),
      type: fields[separator + 1] ?? "",
      source: unescape(fields[separator + 2] ?? ""),
      superOptions: (fields[separator + 3] ?? "").split(","),
    });
  }
  return mounts;
}

/** The mounts a process sees, in mount order; `self` by default. */
export function readMountInfo(pid: number | "self" = "self"): MountInfo[] {
  return parseMountInfo(readFileSync(`/proc/${pid}/mountinfo`, "utf8"));
}

/** The mount that holds `path` (absolute, resolved): the last one mounted on its longest prefix. */
export function mountOf(path: string, mounts: readonly MountInfo[] = readMountInfo()): MountInfo | undefined {
  let found: MountInfo | undefined;
  for (const mount of mounts) {
    const point = mount.mountPoint;
    const holds = point === "/" || path === point || path.startsWith(`${point}/`);
    if (holds && (found === undefined || point.length >= found.mountPoint.length)) found = mount;
  }
  return found;
}

import { posix } from "node:path";
import { SyntaxFault } from "../parse/fault.ts";
import { csvFields, type MountFlag, parseMountFlag } from "../parse/mount-flag.ts";
import type { FilesOrigin, PlannedMount } from "./operation.ts";

/** Where each mount says its files come from: the value of `from=`, which knows no variables, and "context" for a bind. */
export function mountSources(mounts: readonly string[]): ("context" | "scratch" | { readonly from: string })[] {
  return mounts.map((mount) => {
    const fields = new Map(
      csvFields(mount).map((field) => {
        const at = field.indexOf("=");
        return [field.slice(0, Math.max(at, 0)).toLowerCase(), field.slice(at + 1)];
      }),
    );
    const type = (fields.get("type") ?? "bind").toLowerCase();
    const from = fields.get("from");
    if (type !== "bind" && type !== "cache" && !type.includes("$")) return "scratch";
    if (from === "scratch") return "scratch";
    if (from !== undefined && from !== "") return { from };
    return type === "cache" ? "scratch" : "context";
  });
}

/** Makes the mounts of a RUN ready: variables expanded, targets absolute, defaults filled in. */
export function planMounts(
  mounts: readonly string[],
  options: {
    readonly expand: (word: string) => string;
    readonly workdir: string;
    /** Prefix of cache ids: BUILDKIT_CACHE_MOUNT_NS. */
    readonly cacheNamespace: string;
    /** Where the files of each mount come from. */
    readonly origins: readonly FilesOrigin[];
  },
): PlannedMount[] {
  let agents = 0;
  return mounts.map((text, index) => {
    const flag = parseMountFlag(text, options.expand);
    const origin = options.origins[index] ?? { kind: "context" };
    const target = () => absoluteTarget(flag, options.workdir);
    switch (flag.type) {
      case "bind":
        return { type: "bind", origin, source: sourceOf(flag), target: target(), readonly: flag.readonly };
      case "cache":
        // A type from a variable: that it is no bind was not known before. A cache without from= begins empty.
        return planCache(
          flag,
          target(),
          flag.from === undefined ? { kind: "scratch" } : origin,
          options.cacheNamespace,
        );
      case "tmpfs":
        return { type: "tmpfs", target: target(), sizeBytes: flag.sizeBytes };
      case "secret":
        return planSecret(flag, options.workdir);
      case "ssh":
        break;
    }
    const agent = flag.target === undefined ? `/run/buildkit/ssh_agent.${agents++}` : target();
    return {
      type: "ssh",
      id: flag.id ?? "default",
      target: agent,
      required: flag.required,
      mode: flag.mode ?? 0o600,
      uid: flag.uid ?? 0,
      gid: flag.gid ?? 0,
    };
  });
}

function absoluteTarget(flag: MountFlag, workdir: string): string {
  const target = posix.join("/", flag.target?.startsWith("/") === true ? "" : workdir, flag.target ?? "");
  const trimmed = target.length > 1 ? target.replace(/\/+$/, "") : target;
  if (trimmed === "/" || flag.target === undefined) {
    throw new SyntaxFault(`invalid mount target ${JSON.stringify(flag.target ?? trimmed)}`);
  }
  return trimmed;
}

function sourceOf(flag: MountFlag): string {
  return posix.join("/", flag.source ?? "").replace(/(.)\/+$/, "$1");
}

function planCache(flag: MountFlag, target: string, origin: FilesOrigin, namespace: string): PlannedMount {
  const source = sourceOf(flag);
  const hasOwner = flag.mode !== undefined || flag.uid !== undefined || flag.gid !== undefined;
  return {
    type: "cache",
    id: `${namespace}/${flag.id ?? posix.normalize(flag.target ?? "").replace(/(.)\/+$/, "$1")}`,
    sharing: flag.sharing,
    origin,
    source,
    target,
    readonly: flag.readonly,
    owner:
      hasOwner && source === "/" ? { mode: flag.mode ?? 0o755, uid: flag.uid ?? 0, gid: flag.gid ?? 0 } : undefined,
  };
}

function planSecret(flag: MountFlag, workdir: string): PlannedMount {
  const named = flag.source ?? flag.id;
  if ((named === undefined || named === "") && flag.target === undefined) {
    throw new SyntaxFault("invalid secret mount. one of source, target required");
  }
  const id = named === undefined || named === "" ? posix.basename(flag.target ?? "") : named;
  const fallback = flag.env === undefined ? `/run/secrets/${posix.basename(id)}` : undefined;
  return {
    type: "secret",
    id,
    target: flag.target === undefined ? fallback : absoluteTarget(flag, workdir),
    env: flag.env,
    required: flag.required,
    mode: flag.mode ?? 0o400,
    uid: flag.uid ?? 0,
    gid: flag.gid ?? 0,
  };
}

import { readSync } from "node:fs";
import { errorCode, KernelError, SYS, trySyscall } from "../ffi/index.ts";
import { closeFd } from "../files/index.ts";
import { mount } from "./mount.ts";

/** What an overlay is made of. Paths are absolute; `lowers` are top first, as the kernel wants them. */
export type OverlayMount = {
  readonly lowers: readonly string[];
  readonly upper: string;
  readonly work: string;
  readonly target: string;
  /** Flags and key=value options without the directories. */
  readonly options: readonly string[];
};

const FSCONFIG_SET_FLAG = 0;
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_CMD_CREATE = 6;
const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const AT_FDCWD = -100;

/** The kernel's own words about the last failure of a file system context (fsopen(2): the message log). */
function contextMessages(context: number): string {
  const buffer = Buffer.alloc(1024);
  const lines: string[] = [];
  for (let count = 0; count < 8; count++) {
    try {
      const length = readSync(context, buffer);
      if (length <= 0) break;
      lines.push(buffer.toString("utf8", 0, length).trim());
    } catch (error) {
      // ENODATA: no more messages.
      if (errorCode(error) === undefined) throw error;
      break;
    }
  }
  return lines.join("; ");
}

/**
 * Mounts an overlay by the new mount API (fsopen(2), fsconfig(2) with "lowerdir+", kernel 6.7): up to 500 lower
 * directories, each path at most 255 bytes. Throws with the kernel's message.
 */
export function mountOverlayByContext(overlay: OverlayMount): void {
  const describe = `mount overlay on ${overlay.target}`;
  const context = trySyscall(SYS.fsopen, "overlay", FSOPEN_CLOEXEC);
  if (context < 0) throw new KernelError(describe, -context);
  let mounted = -1;
  try {
    const configure = (command: number, key: string | null, value: string | null) => {
      const result = trySyscall(SYS.fsconfig, context, command, key, value, 0);
      if (result < 0) {
        const said = contextMessages(context);
        throw new KernelError(describe, -result, said === "" ? `${key ?? "create"}=${value ?? ""}` : said);
      }
    };
    configure(FSCONFIG_SET_STRING, "source", "overlay");
    for (const lower of overlay.lowers) configure(FSCONFIG_SET_STRING, "lowerdir+", lower);
    configure(FSCONFIG_SET_STRING, "upperdir", overlay.upper);
    configure(FSCONFIG_SET_STRING, "workdir", overlay.work);
    for (const option of overlay.options) {
      const equals = option.indexOf("=");
      if (equals < 0) configure(FSCONFIG_SET_FLAG, option, null);
      else configure(FSCONFIG_SET_STRING, option.slice(0, equals), option.slice(equals + 1));
    }
    configure(FSCONFIG_CMD_CREATE, null, null);
    mounted = trySyscall(SYS.fsmount, context, FSMOUNT_CLOEXEC, 0);
    if (mounted < 0) throw new KernelError(describe, -mounted, contextMessages(context));
    const moved = trySyscall(SYS.move_mount, mounted, "", AT_FDCWD, overlay.target, MOVE_MOUNT_F_EMPTY_PATH);
    if (moved < 0) throw new KernelError(describe, -moved);
  } finally {
    if (mounted >= 0) closeFd(mounted);
    closeFd(context);
  }
}

/** A character that ends a path inside the options of mount(2) is escaped by a backslash (overlayfs.rst). */
function escaped(path: string): string {
  return path.replace(/[\\:,]/g, "\\$&");
}

/**
 * Mounts an overlay by mount(2), for kernels before 6.7. The options must fit one page, so `base` becomes the
 * working directory for the moment of the call and paths below it are given relative to it.
 */
export function mountOverlayByOptions(overlay: OverlayMount, base: string): void {
  const relative = (path: string) => escaped(path.startsWith(`${base}/`) ? path.slice(base.length + 1) : path);
  const options = [
    `lowerdir=${overlay.lowers.map(relative).join(":")}`,
    `upperdir=${relative(overlay.upper)}`,
    `workdir=${relative(overlay.work)}`,
    ...overlay.options,
  ];
  const before = process.cwd();
  process.chdir(base);
  try {
    mount({ source: "overlay", target: overlay.target, type: "overlay", options: options.join(",") });
  } finally {
    process.chdir(before);
  }
}

import {
  chmodSync,
  closeSync,
  constants,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { createTarParser, type TarHeader } from "#wire";
import { cliErrors } from "../errors.ts";

export type UnpackOptions = {
  /** The first segment of every name is replaced by this one. */
  readonly rename?: string | undefined;
  /** Keep owners; otherwise everything is the caller's. */
  readonly keepOwners: boolean;
};

/** Thrown for an entry that would lead out. */
function refuse(path: string): never {
  throw cliErrors["bad-option"](
    `refusing to write "${Buffer.from(path, "latin1").toString()}": it leads out of the destination`,
  );
}

/**
 * Unpacks an archive a daemon sent below `directory`. Its names are hostile: none may climb out, and none may be
 * written through a symbolic link, whether the archive brought it or it lay there before.
 */
export async function unpackTree(
  tar: AsyncIterable<Uint8Array>,
  directory: string,
  options: UnpackOptions,
): Promise<void> {
  const root = Buffer.from(directory, "utf8").toString("latin1");
  const onDisk = (path: string) => Buffer.from(path, "latin1");
  let descriptor: number | undefined;
  const directories: { path: string; header: TarHeader }[] = [];

  function locate(name: string): string {
    const segments = name.split("/").filter((segment) => segment !== "" && segment !== ".");
    if (options.rename !== undefined && segments.length > 0)
      segments[0] = Buffer.from(options.rename).toString("latin1");
    if (segments.includes("..")) refuse(name);
    let path = root;
    for (const segment of segments.slice(0, -1)) {
      path += `/${segment}`;
      const status = lstatSync(onDisk(path), { throwIfNoEntry: false });
      if (status === undefined) mkdirSync(onDisk(path), 0o755);
      else if (!status.isDirectory()) refuse(name);
    }
    return segments.length === 0 ? root : `${path}/${segments.at(-1)}`;
  }

  function settle(path: string, header: TarHeader): void {
    if (options.keepOwners) lchownSync(onDisk(path), header.uid, header.gid);
    if (header.type !== "symlink") chmodSync(onDisk(path), header.mode & 0o7777);
    lutimesSync(onDisk(path), header.mtimeSeconds, header.mtimeSeconds);
  }

  let current: { path: string; header: TarHeader } | undefined;
  const parser = createTarParser({
    entry(header) {
      const path = locate(header.path);
      const existing = lstatSync(onDisk(path), { throwIfNoEntry: false });
      current = { path, header };
      if (header.type === "directory") {
        if (existing === undefined) mkdirSync(onDisk(path), 0o700);
        else if (!existing.isDirectory() && path !== root) {
          throw cliErrors["bad-option"](`cannot overwrite non-directory "${onDisk(path).toString()}" with directory`);
        }
        if (existing === undefined) directories.push(current);
        return;
      }
      if (existing?.isDirectory() === true) {
        throw cliErrors["bad-option"](`cannot overwrite directory "${onDisk(path).toString()}" with non-directory`);
      }
      // A new file instead of the old one's content: an open program keeps what it has.
      if (existing !== undefined) rmSync(onDisk(path));
      if (header.type === "file") {
        const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
        descriptor = openSync(onDisk(path), O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600);
      } else if (header.type === "symlink") symlinkSync(onDisk(header.linkPath), onDisk(path));
      else if (header.type === "hardlink") linkSync(onDisk(locate(header.linkPath)), onDisk(path));
      // Devices and pipes are the container's; they are left out.
      else current = undefined;
    },
    data(bytes) {
      if (descriptor === undefined) return;
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(writeSync(descriptor, rest));
    },
    end() {
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
      if (current !== undefined && current.header.type !== "directory" && current.header.type !== "hardlink") {
        settle(current.path, current.header);
      }
      current = undefined;
    },
  });
  try {
    for await (const chunk of tar) parser.write(chunk);
    parser.finish();
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
    // Last and deepest first: writing into a directory changes its time, and it may be read-only.
    for (const { path, header } of directories.reverse()) settle(path, header);
  }
}

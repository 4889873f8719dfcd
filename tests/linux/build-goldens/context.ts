import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ContextFile, GoldenCase } from "./cases.ts";

/** Makes the context of a case, owned by root, whatever the umask. */
export function makeContext(folder: string, given: GoldenCase): void {
  mkdirSync(folder, { recursive: true });
  const modes: [string, number][] = [];
  for (const [name, file] of Object.entries({ ...given.files, Dockerfile: given.dockerfile })) {
    const path = join(folder, name);
    makeFolders(folder, dirname(name));
    modes.push(...writeContextFile(path, file));
  }
  for (const [path, mode] of modes) chmodSync(path, mode);
}

function makeFolders(root: string, name: string): void {
  let path = root;
  for (const part of name.split("/").filter((piece) => piece !== "." && piece !== "")) {
    path = join(path, part);
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o755);
  }
}

function writeContextFile(path: string, file: ContextFile): [string, number][] {
  if (typeof file === "string") {
    writeFileSync(path, file);
    return [[path, 0o644]];
  }
  if ("link" in file) symlinkSync(file.link, path);
  else if ("text" in file) {
    writeFileSync(path, file.text);
    return [[path, file.mode]];
  } else if ("archive" in file) {
    makeArchive(path, file.archive);
    return [[path, 0o644]];
  } else {
    mkdirSync(path, { recursive: true });
    // Last, so that what is in it can be written.
    return [[path, file.folder]];
  }
  return [];
}

function makeArchive(path: string, files: Readonly<Record<string, string>>): void {
  const folder = mkdtempSync(join(tmpdir(), "berth-archive-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      makeFolders(folder, dirname(name));
      writeFileSync(join(folder, name), text);
      chmodSync(join(folder, name), 0o640);
    }
    const words = ["-czf", path, "-C", folder, "--owner=11", "--group=12", "--mtime=@0", "--sort=name", "."];
    const { exitCode } = Bun.spawnSync(["tar", ...words]);
    if (exitCode !== 0) throw new Error("tar failed");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

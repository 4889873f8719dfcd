import { spawn } from "node:child_process";
import { syncFileSystemOf } from "./change.ts";
import { closeFd, openDirectory } from "./open.ts";
import { toByteString } from "./path-buffer.ts";

/**
 * Everything written so far to the file system of a directory is on disk when this resolves. syncfs(2) can take seconds
 * and would stop this thread, so a child does it; `sync -f` is that one call.
 */
export async function syncFileSystem(directory: string): Promise<void> {
  const code = await new Promise<number | null>((resolve) => {
    const child = spawn("/bin/sync", ["-f", directory], { stdio: "ignore", env: {} });
    child.on("error", () => resolve(null));
    child.on("close", (exitCode) => resolve(exitCode));
  });
  if (code === 0) return;
  // No such program, or one without -f: better a pause than files that a power cut empties.
  const fd = openDirectory(toByteString(directory));
  try {
    syncFileSystemOf(fd);
  } finally {
    closeFd(fd);
  }
}

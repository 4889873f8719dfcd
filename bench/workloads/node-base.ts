import { existsSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { busyboxArchive } from "../../tests/engines/busybox-image.ts";
import { mustRun } from "../../tests/engines/command.ts";

/** A root file system with this machine's Node and npm over busybox, as a tar for `import`; kept for the next run. */
export async function nodeBase(): Promise<string> {
  const node = Bun.which("node");
  const npm = Bun.which("npm");
  if (node === null || npm === null) throw new Error("node and npm are needed");
  const archive = join(
    tmpdir(),
    `berth-bench-node-${Math.floor(statSync(realpathSync(node)).mtimeMs).toString(36)}.tar`,
  );
  if (existsSync(archive)) return archive;
  const work = mkdtempSync(join(tmpdir(), "berth-bench-node-"));
  const root = join(work, "root");
  try {
    mkdirSync(join(work, "image"));
    await mustRun(["tar", "-xf", await busyboxArchive(), "-C", join(work, "image")]);
    mkdirSync(root);
    for (const layer of new Bun.Glob("**/layer.tar").scanSync(join(work, "image"))) {
      await mustRun(["tar", "-xf", join(work, "image", layer), "-C", root]);
    }
    mkdirSync(join(root, "usr/bin"), { recursive: true });
    await mustRun(["cp", realpathSync(node), join(root, "usr/bin/node")]);
    const libraries = (await mustRun(["ldd", realpathSync(node)])).matchAll(/(\/\S+) \(0x/g);
    for (const [, library = ""] of libraries) {
      mkdirSync(join(root, dirname(library)), { recursive: true });
      await mustRun(["cp", realpathSync(library), join(root, library)]);
    }
    // bin/npm is a link into npm's own folder.
    const folder = dirname(dirname(realpathSync(npm)));
    mkdirSync(join(root, "usr/lib/node_modules"), { recursive: true });
    await mustRun(["cp", "-a", folder, join(root, "usr/lib/node_modules/npm")]);
    for (const name of ["npm", "npx"]) {
      await mustRun(["ln", "-s", `../lib/node_modules/npm/bin/${name}-cli.js`, join(root, "usr/bin", name)]);
    }
    await mustRun(["sh", "-c", `mkdir -p "$1/usr/bin" && ln -sf /bin/busybox "$1/usr/bin/env"`, "sh", root]);
    await mustRun(["tar", "-cf", join(work, "base.tar"), "-C", root, "."]);
    renameSync(join(work, "base.tar"), archive);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return archive;
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { createHash } from "node:crypto";
import { mustRun } from "../engines/command.ts";

/** A docker-archive tar of an image whose layers add one file each; the first one also holds busybox. */
export async function manyLayers(name: string, count: number): Promise<string> {
  const work = mkdtempSync(join(tmpdir(), "berth-layers-"));
  try {
    const layers: string[] = [];
    const diffIds: string[] = [];
    for (let index = 0; index < count; index++) {
      const root = join(work, "root");
      mkdirSync(join(root, "layers"), { recursive: true });
      writeFileSync(join(root, "layers", String(index)), `${index}\n`);
      if (index === 0) {
        mkdirSync(join(root, "bin"));
        await mustRun(["cp", "/bin/busybox", join(root, "bin/busybox")]);
        for (const applet of ["sh", "ls", "wc"]) await mustRun(["ln", "-s", "busybox", join(root, "bin", applet)]);
      }
      const file = `${index}.tar`;
      await mustRun(["tar", "-C", root, "-cf", join(work, file), "."]);
      rmSync(root, { recursive: true });
      layers.push(file);
      diffIds.push(
        `sha256:${createHash("sha256")
          .update(await Bun.file(join(work, file)).bytes())
          .digest("hex")}`,
      );
    }
    writeFileSync(
      join(work, "config.json"),
      JSON.stringify({
        architecture: "amd64",
        os: "linux",
        config: { Cmd: ["sh"], Env: ["PATH=/bin"] },
        rootfs: { type: "layers", diff_ids: diffIds },
      }),
    );
    writeFileSync(
      join(work, "manifest.json"),
      JSON.stringify([{ Config: "config.json", RepoTags: [name], Layers: layers }]),
    );
    const archive = `${work}.tar`;
    await mustRun(["tar", "-C", work, "-cf", archive, "manifest.json", "config.json", ...layers]);
    return archive;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

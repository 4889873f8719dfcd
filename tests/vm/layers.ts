import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { encodeTarHeader, plainTarHeader, tarEnd, tarPaddingOf } from "#wire";

function file(path: string, content: Uint8Array, mode = 0o644): Uint8Array[] {
  const header = encodeTarHeader(plainTarHeader({ path, type: "file", mode, sizeBytes: content.length }));
  return [header, content, new Uint8Array(tarPaddingOf(content.length))];
}

const directory = (path: string) => encodeTarHeader(plainTarHeader({ path, type: "directory", mode: 0o755 }));

/** Writes a docker-archive tar of an image whose layers add one file each; the first one also holds busybox. */
export function writeManyLayers(archive: string, name: string, count: number): void {
  const parts: Uint8Array[] = [];
  const layers: string[] = [];
  const diffIds: string[] = [];
  for (let index = 0; index < count; index++) {
    const pieces = [directory("layers/"), ...file(`layers/${index}`, Buffer.from(`${index}\n`))];
    if (index === 0) {
      pieces.push(directory("bin/"), ...file("bin/busybox", readFileSync("/bin/busybox"), 0o755));
      for (const applet of ["sh", "ls", "wc", "cat", "sort"]) {
        pieces.push(
          encodeTarHeader(plainTarHeader({ path: `bin/${applet}`, type: "symlink", linkPath: "busybox", mode: 0o777 })),
        );
      }
    }
    const layer = Buffer.concat([...pieces, tarEnd]);
    parts.push(...file(`${index}.tar`, layer));
    layers.push(`${index}.tar`);
    diffIds.push(`sha256:${createHash("sha256").update(layer).digest("hex")}`);
  }
  const config = {
    architecture: "amd64",
    os: "linux",
    config: { Cmd: ["sh"], Env: ["PATH=/bin"] },
    rootfs: { type: "layers", diff_ids: diffIds },
  };
  const manifest = [{ Config: "config.json", RepoTags: [name], Layers: layers }];
  parts.push(...file("config.json", Buffer.from(JSON.stringify(config))));
  parts.push(...file("manifest.json", Buffer.from(JSON.stringify(manifest))), tarEnd);
  writeFileSync(archive, Buffer.concat(parts));
}

import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { encodeTarHeader, plainTarHeader, tarEnd, type TarHeader, tarPaddingOf } from "#wire";
import { sampleLayer } from "../../engines/sample-layers.ts";

type Member = Partial<TarHeader> & Pick<TarHeader, "path" | "type">;

function* member(header: Member, content: Uint8Array = new Uint8Array()): Generator<Buffer> {
  const whole = { mode: 0o644, mtimeSeconds: 1_600_000_000, sizeBytes: content.length, ...header };
  yield Buffer.from(encodeTarHeader(plainTarHeader(whole)));
  yield Buffer.from(content);
  yield Buffer.alloc(tarPaddingOf(content.length));
}

/** `cap_net_raw+ep` as the kernel stores it (capabilities(7), VFS_CAP_REVISION_2). */
const netRaw = Buffer.from("0100000200200000000000000000000000000000", "hex");

/** Everything that a layer can hold besides plain files; it takes away some of what the layer before it had. */
function* peculiar(index: number): Generator<Buffer> {
  const at = `tree/odd-${index}`;
  yield* member({ path: "tree/", type: "directory", mode: 0o755 });
  yield* member({ path: `${at}/`, type: "directory", mode: 0o2751, uid: 1000 + index, gid: 2000 });
  yield* member({ path: `${at}/setuid`, type: "file", mode: 0o4755 }, Buffer.from(`set ${index}`));
  const attributes = new Map([
    ["user.note", Buffer.from([0, 1, 2, index])],
    ["security.capability", netRaw],
  ]);
  yield* member(
    { path: `${at}/marked`, type: "file", mode: 0o700, uid: 65_534, gid: 65_534, attributes },
    Buffer.from("m"),
  );
  yield* member({ path: `${at}/same`, type: "hardlink", linkPath: `${at}/setuid`, mode: 0o4755 });
  yield* member({ path: `${at}/link`, type: "symlink", linkPath: "../../no/where", mode: 0o777 });
  yield* member({ path: `${at}/pipe`, type: "fifo", mode: 0o620 });
  yield* member({ path: `${at}/null`, type: "character", mode: 0o666, deviceMajor: 1, deviceMinor: 3 });
  yield* member({ path: `${at}/sticky/`, type: "directory", mode: 0o1777 });
  yield* member({ path: `${at}/${"long-".repeat(45)}name`, type: "file" }, Buffer.alloc(0));
  yield* member({ path: `${at}/\xc3\xa4 \xff`, type: "file" }, Buffer.from("bytes in a name"));
  yield* member({ path: `${at}/goes`, type: "file" }, Buffer.from("until the next layer"));
  if (index > 0) yield* member({ path: `tree/odd-${index - 1}/.wh.goes`, type: "file" });
  yield* member({ path: "tree/anew/", type: "directory", mode: 0o755 });
  yield* member({ path: "tree/anew/.wh..wh..opq", type: "file" });
  yield* member({ path: `tree/anew/only-${index}`, type: "file" }, Buffer.from("the last one alone"));
}

function* layer(index: number, totalBytes: number): Generator<Buffer> {
  if (index === 0) {
    yield* member({ path: "bin/", type: "directory", mode: 0o755 });
    yield* member({ path: "bin/busybox", type: "file", mode: 0o755 }, readFileSync("/bin/busybox"));
  }
  yield* peculiar(index);
  yield* sampleLayer({ seed: 900 + index, files: 40 + index, totalBytes, root: "tree/" });
}

/** Writes a docker-archive of an image with so many layers and bytes; returns their diffIDs. */
export function writeMatrixArchive(
  path: string,
  name: string,
  { layers, totalBytes }: { readonly layers: number; readonly totalBytes: number },
): readonly string[] {
  const fd = openSync(path, "w", 0o600);
  const write = (bytes: Uint8Array) => {
    for (let offset = 0; offset < bytes.length;) offset += writeSync(fd, bytes, offset);
  };
  const writeAll = (chunks: Iterable<Uint8Array>) => {
    for (const chunk of chunks) write(chunk);
  };
  const diffIds: string[] = [];
  for (let index = 0; index < layers; index++) {
    // Made twice: the archive wants to know the length first.
    const each = () => layer(index, Math.floor(totalBytes / layers));
    const hash = createHash("sha256");
    let sizeBytes = 0;
    for (const chunk of each()) {
      hash.update(chunk);
      sizeBytes += chunk.length;
    }
    diffIds.push(`sha256:${hash.digest("hex")}`);
    write(encodeTarHeader(plainTarHeader({ path: `${index}.tar`, type: "file", mode: 0o644, sizeBytes })));
    writeAll(each());
    write(new Uint8Array(tarPaddingOf(sizeBytes)));
  }
  const config = {
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    config: { Cmd: ["/bin/busybox", "sleep", "100000"] },
    rootfs: { type: "layers", diff_ids: diffIds },
  };
  const manifest = [{ Config: "config.json", RepoTags: [name], Layers: diffIds.map((_, index) => `${index}.tar`) }];
  writeAll(member({ path: "config.json", type: "file" }, Buffer.from(JSON.stringify(config))));
  writeAll(member({ path: "manifest.json", type: "file" }, Buffer.from(JSON.stringify(manifest))));
  write(tarEnd);
  closeSync(fd);
  return diffIds;
}

import { execFileSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { encodeTarHeader, plainTarHeader, tarEnd, tarPaddingOf } from "#wire";
import { errors } from "../errors.ts";

const candidates = ["/bin/busybox", "/usr/bin/busybox", "/usr/local/bin/busybox"];

const PT_INTERP = 3;

/** True for an ELF executable that needs no dynamic loader (elf(5): no PT_INTERP program header). */
export function isStaticExecutable(path: string): boolean {
  const fd = openSync(path, "r");
  try {
    const head = Buffer.alloc(64);
    if (readSync(fd, head, 0, 64, 0) !== 64 || head.toString("latin1", 0, 4) !== "\x7fELF") return false;
    const offset = Number(head.readBigUInt64LE(32));
    const size = head.readUInt16LE(54);
    const count = head.readUInt16LE(56);
    const headers = Buffer.alloc(size * count);
    readSync(fd, headers, 0, headers.length, offset);
    for (let index = 0; index < count; index++) if (headers.readUInt32LE(index * size) === PT_INTERP) return false;
    return true;
  } finally {
    closeSync(fd);
  }
}

const directories: readonly (readonly [path: string, mode: number])[] = [
  ["bin", 0o755],
  ["dev", 0o755],
  ["etc", 0o755],
  ["home", 0o755],
  ["proc", 0o755],
  ["root", 0o700],
  ["sys", 0o755],
  ["tmp", 0o1777],
  ["usr", 0o755],
  ["usr/bin", 0o755],
  ["usr/sbin", 0o755],
  ["var", 0o755],
  ["var/spool", 0o755],
  ["var/spool/mail", 0o755],
  ["var/www", 0o755],
];

const files: Readonly<Record<string, string>> = {
  "etc/passwd": `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
`,
  "etc/group": `root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
tty:x:5:
disk:x:6:
wheel:x:10:root
www-data:x:33:
users:x:100:
nogroup:x:65534:
`,
  "etc/shadow": "root:*:10933:0:99999:7:::\n",
  "etc/hosts": "",
  "etc/hostname": "",
  "etc/resolv.conf": "",
};

/**
 * The root file system of a busybox image as a tar: the host's static busybox and a hard link for each applet.
 * Reproducible: its date is that of the host's file.
 */
export function busyboxRootfs(): { readonly tar: Uint8Array; readonly epochSeconds: number } {
  const busybox = candidates.find((path) => existsSync(path) && isStaticExecutable(path));
  if (busybox === undefined) throw errors.bootstrapToolMissing("a static busybox", "busybox-static");
  const applets = execFileSync(busybox, ["--list"], { encoding: "utf8", env: {} })
    .split("\n")
    .filter((applet) => /^[\w.[\]-]+$/.test(applet) && applet !== "busybox");
  const pieces: Uint8Array[] = directories.map(([path, mode]) =>
    encodeTarHeader(plainTarHeader({ path: `${path}/`, type: "directory", mode })),
  );
  const addFile = (path: string, mode: number, contents: Buffer) => {
    pieces.push(encodeTarHeader(plainTarHeader({ path, type: "file", mode, sizeBytes: contents.length })), contents);
    pieces.push(new Uint8Array(tarPaddingOf(contents.length)));
  };
  addFile("bin/busybox", 0o755, readFileSync(busybox));
  for (const applet of applets.sort()) {
    pieces.push(
      encodeTarHeader(
        plainTarHeader({ path: `bin/${applet}`, type: "hardlink", mode: 0o755, linkPath: "bin/busybox" }),
      ),
    );
  }
  for (const [path, text] of Object.entries(files)) {
    addFile(path, path === "etc/shadow" ? 0o640 : 0o644, Buffer.from(text));
  }
  return { tar: Buffer.concat([...pieces, tarEnd]), epochSeconds: Math.floor(statSync(busybox).mtimeMs / 1000) };
}

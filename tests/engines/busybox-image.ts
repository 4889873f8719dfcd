import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun } from "./command.ts";

/** The name under which engines under test know the image. */
export const busyboxImage = "busybox:latest";

const busyboxPaths = ["/bin/busybox", "/usr/bin/busybox"];

/**
 * Path of a docker-archive tar of `busybox:latest`, made from the host's busybox-static and kept for the next run.
 * The same bytes go to every engine, so that their figures can be compared.
 */
export async function busyboxArchive(): Promise<string> {
  const binary = busyboxPaths.find((path) => existsSync(path));
  if (binary === undefined) throw new Error("busybox is missing; install the package busybox-static");
  const version = Math.floor(statSync(binary).mtimeMs).toString(36);
  const archive = join(tmpdir(), `berth-tests-busybox-${version}.tar`);
  if (existsSync(archive)) return archive;
  const work = `${archive}.${process.pid}`;
  mkdirSync(join(work, "root"), { recursive: true });
  try {
    await makeRoot(join(work, "root"), binary);
    await makeArchive(work);
    renameSync(join(work, "image.tar"), archive);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return archive;
}

async function makeRoot(root: string, binary: string): Promise<void> {
  for (const folder of [
    "bin",
    "etc",
    "home",
    "root",
    "tmp",
    "usr/bin",
    "usr/sbin",
    "var/spool",
    "var/www",
    "dev",
    "proc",
  ])
    mkdirSync(join(root, folder), { recursive: true });
  await mustRun(["chmod", "1777", join(root, "tmp")]);
  await mustRun(["chmod", "0700", join(root, "root")]);
  await mustRun(["cp", binary, join(root, "bin/busybox")]);
  const applets = (await mustRun([binary, "--list"])).trim().split("\n");
  for (const applet of applets) {
    if (applet !== "busybox") await Bun.$`ln -s busybox ${join(root, "bin", applet)}`.quiet();
  }
  writeFileSync(
    join(root, "etc/passwd"),
    "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
  );
  writeFileSync(join(root, "etc/group"), "root:x:0:\ndaemon:x:1:\nstaff:x:50:\nnogroup:x:65534:\n");
}

async function makeArchive(work: string): Promise<void> {
  await mustRun([
    "tar", "--create", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner",
    "--file", join(work, "layer.tar"), "--directory", join(work, "root"), ".",
  ]); // prettier-ignore
  const diffId = sha256(readFileSync(join(work, "layer.tar")));
  const config = JSON.stringify({
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    created: "2024-01-01T00:00:00Z",
    config: { Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], Cmd: ["sh"] },
    history: [{ created: "2024-01-01T00:00:00Z", created_by: "busybox-static" }],
    rootfs: { type: "layers", diff_ids: [`sha256:${diffId}`] },
  });
  const configName = `${sha256(config)}.json`;
  writeFileSync(join(work, configName), config);
  writeFileSync(
    join(work, "manifest.json"),
    JSON.stringify([{ Config: configName, RepoTags: [busyboxImage], Layers: ["layer.tar"] }]),
  );
  await mustRun(["tar", "-cf", join(work, "image.tar"), "-C", work, "manifest.json", configName, "layer.tar"]);
}

function sha256(data: string | Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(data).digest("hex");
}

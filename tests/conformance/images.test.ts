import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive } from "../engines/busybox-image.ts";
import { mustRun } from "../engines/command.ts";
import { client, targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

const daemon = useDaemon();
const images = async (...words: string[]) =>
  (await daemon.ok("images", "--format", "{{.Repository}}:{{.Tag}}", ...words)).split("\n").filter(Boolean).toSorted();

describe("images", () => {
  test("lists, tags and untags", async () => {
    await daemon.ok("tag", "busybox", "ship/busybox:v1");
    await daemon.ok("tag", "busybox:latest", "registry.example:5000/a/b:v2");
    expect(await images()).toEqual(["busybox:latest", "registry.example:5000/a/b:v2", "ship/busybox:v1"]);
    expect(await images("ship/busybox")).toEqual(["ship/busybox:v1"]);
    expect(await images("--filter", "reference=*/busybox")).toEqual(["ship/busybox:v1"]);
    expect(await daemon.ok("rmi", "ship/busybox:v1")).toBe("Untagged: ship/busybox:v1");
    expect(await daemon.ok("rmi", "registry.example:5000/a/b:v2")).toBe("Untagged: registry.example:5000/a/b:v2");
    expect(await images()).toEqual(["busybox:latest"]);
  });

  test("prints Docker's table", async () => {
    const [head, row] = (await daemon.ok("images")).split("\n");
    expect(head).toMatch(/^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE$/);
    expect(row).toMatch(/^busybox +latest +[0-9a-f]{12} +.* ago +[\d.]+MB$/);
  });

  test("inspect by name, id, short id", async () => {
    const id = await daemon.ok("images", "-q", "--no-trunc");
    for (const name of ["busybox", "busybox:latest", "docker.io/library/busybox", id, id.slice(7, 19), id.slice(0, 20)])
      expect(await daemon.ok("image", "inspect", "-f", "{{.Id}}", name)).toBe(id);
    const document = (await daemon.api("GET", "/images/busybox/json")).json<Record<string, unknown>>();
    expect(document).toMatchObject({ Id: id, RepoTags: ["busybox:latest"], Os: "linux", RootFS: { Type: "layers" } });
    const missing = await daemon.cli(["image", "inspect", "no/such:image"]);
    expect(missing.exitCode).toBe(1);
    expect(missing.stderr).toContain("No such image: no/such:image");
    expect(missing.stdout.trim()).toBe("[]");
  });

  test("history shows the layers", async () => {
    const history = await daemon.ok("history", "--format", "{{.CreatedBy}}|{{.Size}}", "busybox");
    expect(history).toMatch(/^busybox-static\|[\d.]+MB$/);
  });

  test("an image in use is not removed", async () => {
    const name = uniqueName();
    await daemon.ok("tag", "busybox", "only:v1");
    await daemon.ok("create", "--name", name, "busybox");
    const refused = await daemon.cli(["rmi", await daemon.ok("images", "-q", "busybox")]);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/conflict: unable to (delete|remove)|must be forced|must force/);
    await daemon.ok("rm", name);
    await daemon.ok("rmi", "only:v1");
  });

  test("removing the last name removes the layers", async () => {
    const name = uniqueName();
    await daemon.ok("run", "--name", name, "busybox", "touch", "/x");
    await daemon.ok("commit", name, "short:lived");
    await daemon.ok("rm", name);
    const output = await daemon.ok("rmi", "short:lived");
    expect(output).toMatch(/^Untagged: short:lived\nDeleted: sha256:[0-9a-f]{64}/);
    expect((await daemon.cli(["rmi", "short:lived"])).stderr).toContain("No such image: short:lived");
  });

  test("save and load carry names and content", async () => {
    const name = uniqueName();
    await daemon.ok("run", "--name", name, "busybox", "sh", "-c", "echo saved > /saved");
    const id = await daemon.ok("commit", name, "saved:v1");
    await daemon.ok("rm", name);
    const archive = join(daemon.directory, "saved.tar");
    await daemon.ok("save", "-o", archive, "saved:v1", "busybox:latest");
    await daemon.ok("rmi", "saved:v1");
    const output = await daemon.ok("load", "-i", archive);
    expect(output.split("\n").toSorted()).toEqual(["Loaded image: busybox:latest", "Loaded image: saved:v1"]);
    expect(await daemon.ok("image", "inspect", "-f", "{{.Id}}", "saved:v1")).toBe(id);
    expect(await daemon.ok("run", "--rm", "saved:v1", "cat", "/saved")).toBe("saved");
    await daemon.ok("rmi", "saved:v1");
    const piped = await Bun.$`${client} load < ${archive}`.env({ ...process.env, ...daemon.environment }).text();
    expect(piped).toContain("Loaded image: saved:v1");
    await daemon.ok("rmi", "saved:v1");
  });

  test.if(!targetIsDockerd)("load takes an OCI layout, gzip compressed layers included", async () => {
    const layout = join(daemon.directory, "layout");
    await ociLayout(layout, await busyboxArchive());
    await mustRun(["tar", "-cf", join(daemon.directory, "layout.tar"), "-C", layout, "."]);
    expect(await daemon.ok("load", "-i", join(daemon.directory, "layout.tar"))).toContain("Loaded image");
    expect(await daemon.ok("run", "--rm", "from-layout:v1", "echo", "works")).toBe("works");
    await daemon.ok("rmi", "from-layout:v1");
  });

  test("a saved archive is a docker-archive that others read", async () => {
    const archive = join(daemon.directory, "others.tar");
    await daemon.ok("save", "-o", archive, "busybox");
    const manifest = JSON.parse(await mustRun(["tar", "-xOf", archive, "manifest.json"])) as {
      Config: string;
      RepoTags: string[];
      Layers: string[];
    }[];
    expect(manifest[0]?.RepoTags).toEqual(["busybox:latest"]);
    const listing = (await mustRun(["tar", "-tf", archive])).split("\n");
    for (const path of [manifest[0]?.Config ?? "", ...(manifest[0]?.Layers ?? [])]) expect(listing).toContain(path);
  });

  test("a damaged archive is refused and leaves nothing", async () => {
    const archive = readFileSync(await busyboxArchive());
    const before = await daemon.ok("images", "-aq");
    writeFileSync(join(daemon.directory, "short.tar"), archive.subarray(0, archive.length / 2));
    expect((await daemon.cli(["load", "-i", join(daemon.directory, "short.tar")])).exitCode).toBe(1);
    expect(await daemon.ok("images", "-aq")).toBe(before);
  });

  // CVE-2026-53488: labels are words of whoever made the image, and steer nothing.
  test("labels of an image change nothing about its containers but their labels", async () => {
    const [plain, labelled] = [uniqueName(), uniqueName()];
    const labels = {
      "com.docker.compose.project": "other",
      "com.docker.network.host_ipv4": "0.0.0.0",
      "containerd.io/restart.status": "running",
      "containerd.io/restart.loguri": "binary:///bin/touch?/canary",
      "desktop.docker.io/binds/0/Source": "/etc",
      "io.kubernetes.cri.sandbox-id": "x",
      "io.podman.annotations.privileged": "TRUE",
      "run.oci.keep_original_groups": "1",
      "berth.restart": "always",
      "dev.berth.mounts": "/:/host",
      "com.nvidia.volumes.needed": "nvidia_driver",
    };
    await daemon.ok("create", "--name", plain, "busybox", "true");
    const changes = Object.entries(labels).flatMap(([name, value]) => ["--change", `LABEL "${name}"="${value}"`]);
    const id = await daemon.ok("commit", ...changes, plain);
    await daemon.ok("create", "--name", labelled, id, "true");
    const facts = async (name: string) => {
      await daemon.ok("start", "-a", name);
      const [document] = JSON.parse(await daemon.ok("inspect", name)) as {
        readonly Config: Readonly<Record<string, unknown>>;
        readonly HostConfig: unknown;
        readonly Mounts: unknown;
        readonly RestartCount: number;
        readonly State: Readonly<Record<string, unknown>>;
      }[];
      if (document === undefined) throw new Error("no such container");
      const { Labels, Hostname: _name, Image: _image, ...config } = document.Config;
      const { Status, ExitCode, Error: fault } = document.State;
      const { HostConfig, Mounts, RestartCount } = document;
      return { Labels, rest: { config, HostConfig, Mounts, RestartCount, Status, ExitCode, fault } };
    };
    const [before, after] = [await facts(plain), await facts(labelled)];
    expect(after.Labels).toEqual(labels);
    expect(after.rest).toEqual(before.rest);
    await daemon.ok("rm", plain, labelled);
    await daemon.ok("rmi", id);
  });

  test("image prune removes dangling images only", async () => {
    const name = uniqueName();
    await daemon.ok("run", "--name", name, "busybox", "touch", "/dangling");
    const id = await daemon.ok("commit", name);
    await daemon.ok("rm", name);
    expect(await daemon.ok("images", "-q", "--no-trunc", "--filter", "dangling=true")).toBe(id);
    expect(await daemon.ok("image", "prune", "-f")).toContain(`deleted: ${id}`);
    expect(await images()).toEqual(["busybox:latest"]);
  });

  test("system df counts", async () => {
    const output = await daemon.ok("system", "df", "--format", "{{.Type}}|{{.TotalCount}}|{{.Active}}");
    expect(output).toContain("Images|1|0");
  });

  test("version and info", async () => {
    expect(await daemon.ok("version", "--format", "{{.Server.APIVersion}}|{{.Server.Os}}")).toMatch(/^1\.\d\d\|linux$/);
    const info = JSON.parse(await daemon.ok("info", "--format", "json")) as Record<string, unknown>;
    expect(info).toMatchObject({ OSType: "linux", Images: 1 });
    expect(["1", "2"]).toContain(info["CgroupVersion"] as string);
  });
});

/** Turns a docker-archive of one layer into an OCI image layout with a gzip layer. */
async function ociLayout(target: string, archive: string): Promise<void> {
  const blobs = join(target, "blobs/sha256");
  mkdirSync(blobs, { recursive: true });
  const unpacked = `${target}.unpacked`;
  mkdirSync(unpacked);
  await mustRun(["tar", "-xf", archive, "-C", unpacked]);
  const store = (bytes: Uint8Array) => {
    const digest = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
    writeFileSync(join(blobs, digest), bytes);
    return { digest: `sha256:${digest}`, size: bytes.length };
  };
  const configFile = readdirSync(unpacked).find((name) => name.endsWith(".json") && name !== "manifest.json") ?? "";
  const layer = store(Bun.gzipSync(readFileSync(join(unpacked, "layer.tar"))));
  const config = store(readFileSync(join(unpacked, configFile)));
  const type = "application/vnd.oci.image";
  const manifest = store(
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: `${type}.manifest.v1+json`,
        config: { mediaType: `${type}.config.v1+json`, ...config },
        layers: [{ mediaType: `${type}.layer.v1.tar+gzip`, ...layer }],
      }),
    ),
  );
  writeFileSync(join(target, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  writeFileSync(
    join(target, "index.json"),
    JSON.stringify({
      schemaVersion: 2,
      manifests: [
        {
          mediaType: `${type}.manifest.v1+json`,
          ...manifest,
          annotations: {
            "io.containerd.image.name": "docker.io/library/from-layout:v1",
            "org.opencontainers.image.ref.name": "v1",
          },
        },
      ],
    }),
  );
}

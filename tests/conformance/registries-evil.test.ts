import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { eventually } from "../engines/command.ts";
import { answer, blobAnswer, type EvilImage, sha256, startEvilRegistry } from "../engines/evil-registry.ts";
import { sampleLayer } from "../engines/sample-layers.ts";
import { tarOf } from "../linux/archives.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

/*
 * A registry that lies, breaks off and never ends, and a daemon that is killed: nothing bad is stored, what was whole is
 * kept, and memory stays small.
 */
const evil = await startEvilRegistry();
const daemon = useDaemon({ flags: targetIsDockerd ? [] : ["--max-download-attempts", "2"] });
beforeEach(() => evil.reset());
afterAll(() => evil.close());

const file = (text: string) => tarOf([{ path: "file", type: "file", text }]);
const layersKept = () => readdirSync(join(daemon.engine.dataRoot, "layers")).length;
const halfDone = () => readdirSync(join(daemon.engine.dataRoot, "tmp"));
const pull = (name: string) => daemon.cli(["pull", `${evil.host}/${name}:1`]);
const isThere = async (name: string) =>
  (await daemon.cli(["image", "inspect", `${evil.host}/${name}:1`])).exitCode === 0;
const asked = (digest: string) => evil.requests.filter(({ path }) => path.includes(`/blobs/${digest}`)).length;

describe.skipIf(targetIsDockerd)("of an evil registry nothing is stored", () => {
  const lies: Readonly<Record<string, readonly [expected: RegExp, lie: (name: string) => void]>> = {
    "a layer with another digest": [
      /does not match its digest/,
      (name) => {
        const { layers } = evil.addImage(name, "1", [file(name)]);
        evil.on(`/v2/${name}/blobs/${layers[0]?.digest}`, blobAnswer(wrongAtEnd(layers[0]?.bytes)));
      },
    ],
    "a config with another digest": [
      /does not match its digest/,
      (name) => {
        const { configDigest, manifest } = evil.addImage(name, "1", [file(name)]);
        const { size } = (JSON.parse(manifest.toString()) as { config: { size: number } }).config;
        evil.on(`/v2/${name}/blobs/${configDigest}`, blobAnswer(Buffer.alloc(size, 32)));
      },
    ],
    "a layer that its config does not name": [
      /does not match its digest: expected sha256:a{64}/,
      (name) =>
        void evil.addImage(name, "1", [file(name)], {
          config: { rootfs: { type: "layers", diff_ids: [`sha256:${"a".repeat(64)}`] } },
        }),
    ],
    "more layers than its config names": [
      /its config names 0 layers, its manifest 1/,
      (name) => void evil.addImage(name, "1", [file(name)], { config: { rootfs: { type: "layers", diff_ids: [] } } }),
    ],
    "a config that is none": [
      /invalid image config/,
      (name) => void evil.addImage(name, "1", [file(name)], { config: { rootfs: "x" } }),
    ],
    "a digest that walks the file system": [
      /malformed layer digest/,
      (name) =>
        void evil.addImage(name, "1", [file(name)], {
          config: { rootfs: { type: "layers", diff_ids: ["sha256:../../../etc"] } },
        }),
    ],
    "a gzip stream that breaks off": [
      /cannot decompress|invalid layer archive/,
      (name) => void evil.addImage(name, "1", [file(name)], { compress: (tar) => gzipSync(tar).subarray(0, -20) }),
    ],
    "what is no archive": [
      /invalid layer archive/,
      (name) => void evil.addImage(name, "1", [Buffer.alloc(5000, 65)], { compress: (tar) => tar }),
    ],
    "a whiteout that names nothing": [
      /whiteout names nothing/,
      (name) => void evil.addImage(name, "1", [tarOf([{ path: ".wh...", type: "file" }])]),
    ],
    "an image of another system": [
      /image operating system "windows" cannot be used/,
      (name) => void evil.addImage(name, "1", [file(name)], { config: { os: "windows" } }),
    ],
    "a chart": [
      /unsupported media type application\/vnd\.cncf\.helm/,
      (name) =>
        void evil.addImage(name, "1", [file(name)], {
          manifest: {
            config: { mediaType: "application/vnd.cncf.helm.config.v1+json", size: 2, digest: sha256("{}") },
          },
        }),
    ],
    "a manifest of schema 1": [
      /schema 1/,
      (name) => evil.on(`/v2/${name}/manifests/1`, answer(200, '{"schemaVersion":1,"name":"x","tag":"1"}')),
    ],
    "a layer of half its length": [
      /does not match its size|unexpected EOF/,
      (name) => {
        const { layers } = evil.addImage(name, "1", [file(name)]);
        evil.on(
          `/v2/${name}/blobs/${layers[0]?.digest}`,
          answer(200, (layers[0]?.bytes ?? Buffer.alloc(0)).subarray(0, 40)),
        );
      },
    ],
    "a registry that is always busy": [
      /503|Service Unavailable/,
      (name) => evil.on(`/v2/${name}/manifests/1`, answer(503, "", { "Retry-After": "0" })),
    ],
  };

  function wrongAtEnd(bytes: Uint8Array = Buffer.alloc(0)): Buffer {
    // Behind the end of the gzip member: the tar is right, the blob is not.
    const wrong = Buffer.from(bytes);
    wrong[4] = (wrong[4] ?? 0) ^ 1;
    return wrong;
  }

  test.each(Object.keys(lies))("%s", async (what) => {
    const [expected, lie] = lies[what] as (typeof lies)[string];
    const name = uniqueName("lie");
    lie(name);
    const before = layersKept();
    const result = await pull(name);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(expected);
    expect(await isThere(name)).toBe(false);
    expect(layersKept()).toBe(before);
    expect(halfDone()).toEqual([]);
  });

  test("but what was whole is kept, and not fetched again", async () => {
    const name = uniqueName("partly");
    const { layers } = evil.addImage(name, "1", [file(`${name} good`), file(`${name} bad`)]);
    const [good, bad] = layers as [EvilImage["layers"][number], EvilImage["layers"][number]];
    const path = `/v2/${name}/blobs/${bad.digest}`;
    // Late, so that the good one is through.
    evil.on(path, (request, socket) => setTimeout(() => answer(404, "{}")(request, socket), 300));
    expect((await pull(name)).exitCode).toBe(1);
    evil.on(path, blobAnswer(bad.bytes));
    expect((await pull(name)).exitCode).toBe(0);
    expect(asked(good.digest)).toBe(1);
    await daemon.ok("rmi", `${evil.host}/${name}:1`);
  });
});

describe.skipIf(targetIsDockerd)("a pull", () => {
  let seed = 5;
  /** An image whose last layer stops half way, for as long as the test wants. */
  function stalledImage(name: string) {
    const { layers } = evil.addImage(name, "1", [file(`${name} a`), file(`${name} b`), Buffer.concat([...sampleLayer({ seed: seed++, files: 4, totalBytes: 400_000 })])]); // prettier-ignore
    const last = layers.at(-1) as EvilImage["layers"][number];
    const path = `/v2/${name}/blobs/${last.digest}`;
    let closed = 0;
    evil.on(path, (_request, socket) => {
      socket.on("close", () => closed++);
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${last.bytes.length}\r\n\r\n`);
      socket.write(last.bytes.subarray(0, last.bytes.length >> 1));
    });
    return { layers, last, heal: () => evil.on(path, blobAnswer(last.bytes)), closed: () => closed };
  }

  /** Begins a pull and listens to it. */
  async function startPull(name: string) {
    const socket = await daemon.connect();
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
    socket.on("error", () => {});
    socket.write(
      `POST /images/create?fromImage=${evil.host}/${name}&tag=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`,
    );
    return { socket, complete: () => text.match(/"Pull complete"/g)?.length ?? 0 };
  }

  test("ends when its client goes, with everything it was doing", async () => {
    const name = uniqueName("gone");
    const { last, closed } = stalledImage(name);
    const { socket } = await startPull(name);
    await eventually("the layer to be asked for", () => asked(last.digest) > 0);
    socket.destroy();
    await eventually("the daemon to hang up", () => closed() > 0);
    await eventually("nothing half done to be left", () => halfDone().length === 0);
    expect(await isThere(name)).toBe(false);
  });

  test("that is killed leaves an image whole or absent; the next one fetches only what is missing", async () => {
    const name = uniqueName("killed");
    const { layers, last, heal } = stalledImage(name);
    const running = await startPull(name);
    await eventually("all but the last layer to be there", () => running.complete() === 2 && asked(last.digest) > 0);
    await daemon.engine.kill();
    await daemon.engine.start();
    expect(await isThere(name)).toBe(false);
    expect(halfDone()).toEqual([]);
    heal();
    expect((await pull(name)).exitCode).toBe(0);
    expect(layers.map(({ digest }) => asked(digest))).toEqual([1, 1, 2]);
    await daemon.ok("rmi", `${evil.host}/${name}:1`);
  }, 30_000);

  describe("that is killed in the middle of a layer", () => {
    const fileOf = (digest: string) => join(daemon.engine.dataRoot, "partial", digest.slice(7));
    const isKept = (digest: string) => existsSync(fileOf(digest));
    const rangesAsked = (digest: string) =>
      evil.requests
        .filter(({ path }) => path.includes(`/blobs/${digest}`))
        .map(({ headers }) => /^bytes=(\d+)-/.exec(headers.get("range") ?? "")?.[1]);

    /** Pulls until half of the last layer is there, and kills the daemon. Returns what was kept of it. */
    async function killHalfWay(name: string) {
      const image = stalledImage(name);
      const running = await startPull(name);
      const half = () => {
        const [layer = ""] = halfDone().filter((entry) => entry.startsWith("layer-"));
        const path = join(daemon.engine.dataRoot, "tmp", layer, "packed", image.last.digest.slice(7));
        return statSync(path, { throwIfNoEntry: false })?.size === image.last.bytes.length >> 1;
      };
      await eventually("half of the layer to be there", () => running.complete() === 2 && half());
      await daemon.engine.kill();
      await daemon.engine.start();
      image.heal();
      expect(isKept(image.last.digest)).toBe(true);
      return { ...image, kept: fileOf(image.last.digest), half: image.last.bytes.length >> 1 };
    }

    test("goes on where it was", async () => {
      const name = uniqueName("resumed");
      const { last, half } = await killHalfWay(name);
      expect((await pull(name)).exitCode).toBe(0);
      expect(rangesAsked(last.digest)).toEqual([undefined, String(half)]);
      expect(isKept(last.digest)).toBe(false);
      await daemon.ok("rmi", `${evil.host}/${name}:1`);
    }, 30_000);

    test.each([
      ["at its beginning", 0],
      ["somewhere", 1000],
    ])(
      "and finds it damaged %s fetches all of it",
      async (_, at) => {
        const name = uniqueName("damaged");
        const { last, kept, half } = await killHalfWay(name);
        const bytes = readFileSync(kept);
        bytes[at] = (bytes[at] ?? 0) ^ 0xff;
        writeFileSync(kept, bytes);
        expect((await pull(name)).exitCode).toBe(0);
        // What a decoder refuses at once may be given up before the rest is asked for.
        expect(rangesAsked(last.digest).filter((from) => from !== String(half))).toEqual([undefined, undefined]);
        expect(isKept(last.digest)).toBe(false);
        await daemon.ok("rmi", `${evil.host}/${name}:1`);
      },
      30_000,
    );

    test("believes no range but the one it asked for, and no other bytes", async () => {
      const name = uniqueName("lied-to");
      const { last, half } = await killHalfWay(name);
      const path = `/v2/${name}/blobs/${last.digest}`;
      evil.on(path, (request, socket) => {
        const wrong = { "Content-Range": `bytes 0-${last.bytes.length - half - 1}/${last.bytes.length}` };
        if (request.headers.has("range")) answer(206, last.bytes.subarray(half), wrong)(request, socket);
        else blobAnswer(last.bytes)(request, socket);
      });
      expect((await pull(name)).exitCode).toBe(0);
      expect(rangesAsked(last.digest)).toEqual([undefined, String(half), undefined]);
      await daemon.ok("rmi", `${evil.host}/${name}:1`);

      const other = uniqueName("lied-to");
      const second = await killHalfWay(other);
      evil.on(`/v2/${other}/blobs/${second.last.digest}`, (request, socket) => {
        const from = second.half;
        const range = { "Content-Range": `bytes ${from}-${second.last.bytes.length - 1}/${second.last.bytes.length}` };
        const bytes = second.last.bytes.toReversed();
        if (request.headers.has("range")) answer(206, bytes.subarray(from), range)(request, socket);
        else answer(200, bytes)(request, socket);
      });
      expect((await pull(other)).exitCode).toBe(1);
      expect([await isThere(other), isKept(second.last.digest), halfDone()]).toEqual([false, false, []]);
    }, 40_000);
  });

  test("that was killed is given up by a prune", async () => {
    const name = uniqueName("pruned");
    const { layers, last } = stalledImage(name);
    await daemon.ok("image", "prune", "-f");
    const before = layersKept();
    const running = await startPull(name);
    await eventually("two layers to be there", () => running.complete() === 2 && asked(last.digest) > 0);
    await daemon.engine.kill();
    await daemon.engine.start();
    expect(layersKept()).toBe(before + layers.length - 1);
    await daemon.ok("image", "prune", "-f");
    expect(layersKept()).toBe(before);
  }, 30_000);

  test("of a large layer needs little memory", async () => {
    const name = uniqueName("large");
    const size = 192 * 1024 * 1024;
    const { layers } = evil.addImage(
      name,
      "1",
      [Buffer.concat([...sampleLayer({ seed: 6, files: 3, totalBytes: size })])],
      {
        compress: (tar) => tar,
        layerType: "application/vnd.oci.image.layer.v1.tar",
      },
    );
    const { bytes, digest } = layers[0] as EvilImage["layers"][number];
    evil.on(`/v2/${name}/blobs/${digest}`, (_request, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`);
      let at = 0;
      const more = () => {
        while (at < bytes.length) {
          const part = bytes.subarray(at, at + 262_144);
          at += part.length;
          if (!socket.write(part)) break;
        }
      };
      socket.on("drain", more);
      more();
    });
    const proc = `/proc/${daemon.engine.pid()}`;
    writeFileSync(`${proc}/clear_refs`, "5");
    expect((await pull(name)).exitCode).toBe(0);
    const peakKb = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`${proc}/status`, "utf8"))?.[1]);
    expect(peakKb).toBeLessThan(200 * 1024);
    await daemon.ok("rmi", `${evil.host}/${name}:1`);
  }, 60_000);
});

describe.skipIf(targetIsDockerd)("a push", () => {
  test("that is killed goes on with what the registry has", async () => {
    const name = uniqueName("pushed");
    const image = `${evil.host}/${name}:1`;
    await daemon.ok("tag", "busybox", image);
    const blobs = new Set<string>();
    let mode: "stall" | "serve" = "stall";
    evil.on(`/v2/${name}/blobs/uploads/`, answer(202, "", { Location: `/v2/${name}/upload` }));
    let bodies = 0;
    evil.on(`/v2/${name}/upload`, (request, socket) => {
      if (request.method === "PATCH") {
        bodies++;
        answer(202, "", { Location: `/v2/${name}/upload` })(request, socket);
      }
      if (request.method !== "PUT") return;
      const digest = new URL(request.path, "http://x").searchParams.get("digest") ?? "";
      blobs.add(digest);
      evil.on(`/v2/${name}/blobs/${digest}`, answer(200, "x"));
      answer(201, "")(request, socket);
    });
    evil.on(`/v2/${name}/manifests/1`, (request, socket) => {
      if (request.method === "PUT" && mode === "serve") answer(201, "")(request, socket);
      if (request.method !== "PUT") answer(404, "{}")(request, socket);
    });
    const running = daemon.cli(["push", image]);
    await eventually("the manifest to be pushed", () =>
      evil.requests.some(({ method, path }) => method === "PUT" && path.includes("/manifests/")),
    );
    await daemon.engine.kill();
    expect((await running).exitCode).not.toBe(0);
    expect(blobs.size).toBe(2);
    await daemon.engine.start();
    mode = "serve";
    const before = bodies;
    expect(await daemon.ok("push", image)).toContain("Layer already exists");
    expect(bodies).toBe(before);
    await daemon.ok("rmi", image);
  }, 30_000);
});

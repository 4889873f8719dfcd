import { createServer, type Server, type Socket } from "node:net";
import { gzipSync } from "node:zlib";

/** A request as the registry read it. */
export type EvilRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
};

/** What one path answers; may write anything to the socket, and need not end it. */
export type EvilAnswer = (request: EvilRequest, socket: Socket) => void;

/** A registry that does what it is told to, byte by byte: no HTTP library would let it. */
export type EvilRegistry = {
  readonly host: string;
  /** Every request, in order. */
  readonly requests: readonly EvilRequest[];
  /** Answers for paths; later ones take the place of earlier ones. */
  on(path: string, answer: EvilAnswer): void;
  /** Puts an image of these layers up, honestly: manifest, config and blobs. */
  addImage(repository: string, tag: string, layers: readonly Buffer[], options?: ImageOptions): EvilImage;
  /** Forgets all answers and requests. */
  reset(): void;
  close(): Promise<void>;
};

type ImageOptions = {
  readonly compress?: (tar: Buffer) => Buffer;
  readonly layerType?: string;
  readonly mediaType?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly manifest?: Readonly<Record<string, unknown>>;
};

/** What was put up. */
export type EvilImage = {
  readonly manifest: Buffer;
  readonly manifestDigest: string;
  readonly configDigest: string;
  readonly layers: readonly { readonly digest: string; readonly bytes: Buffer; readonly diffId: string }[];
};

export const dockerManifest = "application/vnd.docker.distribution.manifest.v2+json";

export function sha256(data: Uint8Array | string): string {
  return `sha256:${new Bun.CryptoHasher("sha256").update(data).digest("hex")}`;
}

/** An answer with a body of its own length, unless headers say otherwise. */
export function answer(
  status: number,
  body: Uint8Array | string,
  headers: Readonly<Record<string, string>> = {},
): EvilAnswer {
  return ({ method }, socket) => {
    const bytes = Buffer.from(body);
    const fields = { "Content-Length": String(bytes.length), ...headers };
    const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 ${status} Whatever\r\n${head.join("")}\r\n`);
    if (method !== "HEAD") socket.write(bytes);
  };
}

/** A blob, with ranges, as an honest registry serves it. */
export function blobAnswer(bytes: Buffer): EvilAnswer {
  return (request, socket) => {
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
    if (range === null) {
      answer(200, bytes)(request, socket);
      return;
    }
    const from = Number(range[1]);
    const part = bytes.subarray(from);
    answer(206, part, { "Content-Range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` })(request, socket);
  };
}

/** A request's body, by length or in chunks; undefined while it is not all there. */
function bodyOf(
  bytes: Buffer,
  headers: ReadonlyMap<string, string>,
): { readonly body: Buffer; readonly used: number } | undefined {
  if (headers.get("transfer-encoding") !== "chunked") {
    const length = Number(headers.get("content-length") ?? 0);
    return bytes.length < length ? undefined : { body: bytes.subarray(0, length), used: length };
  }
  const chunks: Buffer[] = [];
  for (let at = 0; ;) {
    const line = bytes.indexOf("\r\n", at);
    if (line < 0) return undefined;
    const length = Number.parseInt(bytes.toString("latin1", at, line), 16);
    if (bytes.length < line + 4 + length) return undefined;
    chunks.push(bytes.subarray(line + 2, line + 2 + length));
    at = line + 4 + length;
    if (length === 0) return { body: Buffer.concat(chunks), used: at };
  }
}

/** Starts one on a free port of this machine. */
export async function startEvilRegistry(): Promise<EvilRegistry> {
  const answers = new Map<string, EvilAnswer>();
  const requests: EvilRequest[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    let pending = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      for (;;) {
        const end = pending.indexOf("\r\n\r\n");
        if (end < 0) return;
        const [line = "", ...fields] = pending.toString("latin1", 0, end).split("\r\n");
        // A TLS hello: it is told in plain words, as plain HTTP servers do.
        if (!/^[A-Z]+ /.test(line)) {
          socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
          return;
        }
        const headers = new Map(
          fields.map((field): [string, string] => {
            const colon = field.indexOf(":");
            return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
          }),
        );
        const found = bodyOf(pending.subarray(end + 4), headers);
        if (found === undefined) return;
        const { body } = found;
        pending = pending.subarray(end + 4 + found.used);
        const [method = "", path = ""] = line.split(" ");
        const request = { method, path, headers, body };
        requests.push(request);
        const known = answers.get(path) ?? answers.get(path.split("?")[0] ?? "") ?? answer(404, '{"errors":[]}');
        known(request, socket);
      }
    });
    // What does not even begin like a request is a TLS hello.
    socket.once("data", (chunk: Buffer) => {
      if (chunk[0] === 0x16) socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const registry: EvilRegistry = {
    host: `127.0.0.1:${address.port}`,
    requests,
    on: (path, handler) => void answers.set(path, handler),
    addImage(repository, tag, tars, options = {}) {
      const compress = options.compress ?? ((tar: Buffer) => gzipSync(tar));
      const layers = tars.map((tar) => {
        const bytes = compress(tar);
        return { bytes, digest: sha256(bytes), diffId: sha256(tar) };
      });
      const config = Buffer.from(
        JSON.stringify({
          architecture: process.arch === "arm64" ? "arm64" : "amd64",
          os: "linux",
          config: { Cmd: ["sh"] },
          rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
          ...options.config,
        }),
      );
      const mediaType = options.mediaType ?? dockerManifest;
      const layerType = options.layerType ?? "application/vnd.docker.image.rootfs.diff.tar.gzip";
      const manifest = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType,
          config: {
            mediaType: "application/vnd.docker.container.image.v1+json",
            size: config.length,
            digest: sha256(config),
          },
          layers: layers.map(({ bytes, digest }) => ({ mediaType: layerType, size: bytes.length, digest })),
          ...options.manifest,
        }),
      );
      const base = `/v2/${repository}`;
      const headers = { "Content-Type": mediaType, "Docker-Content-Digest": sha256(manifest) };
      for (const reference of [tag, sha256(manifest)]) {
        registry.on(`${base}/manifests/${reference}`, answer(200, manifest, headers));
      }
      registry.on(`${base}/blobs/${sha256(config)}`, blobAnswer(config));
      for (const { digest, bytes } of layers) registry.on(`${base}/blobs/${digest}`, blobAnswer(bytes));
      return { manifest, manifestDigest: sha256(manifest), configDigest: sha256(config), layers };
    },
    reset() {
      answers.clear();
      requests.length = 0;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return registry;
}

import { expect } from "bun:test";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Pushes to a registry and deletions from it, and a book of what it has acknowledged. */
export type RegistryLoad = {
  /** Tags whose push was answered with success and that nobody has asked to delete. */
  readonly acknowledged: ReadonlyMap<string, string>;
  /** Pushes a blob in pieces and a manifest of it. Rejects when the registry goes away meanwhile. */
  push(tag: string): Promise<void>;
  /** Deletes what was pushed, if it was: the next garbage collection has something to do. */
  delete(tag: string): Promise<void>;
  /** Everything acknowledged is there byte for byte. */
  expectWhole(): Promise<void>;
};

const digestOf = (bytes: Uint8Array) => `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;

/** A load on the repository "load" of a registry. `mayAcknowledge`: what is answered while it is false is not relied on. */
export function createRegistryLoad(host: () => string, mayAcknowledge: () => boolean = () => true): RegistryLoad {
  const acknowledged = new Map<string, string>();
  const url = (path: string) => `http://${host()}/v2/load/${path}`;
  const put = async (bytes: Uint8Array) => {
    const started = await fetch(url("blobs/uploads/"), { method: "POST" });
    const location = `http://${host()}${started.headers.get("location") ?? ""}`;
    const half = bytes.length >> 1;
    await fetch(location, { method: "PATCH", body: bytes.subarray(0, half) });
    const rest = bytes.subarray(half);
    const ended = await fetch(`${location}?digest=${digestOf(bytes)}`, { method: "PUT", body: rest });
    if (ended.status !== 201) throw new Error(`blob: ${ended.status}`);
    return { mediaType: "application/octet-stream", digest: digestOf(bytes), size: bytes.length };
  };
  return {
    acknowledged,
    push: async (tag) => {
      const [config, layer] = [await put(Buffer.from("{}")), await put(randomBytes(200_000))];
      const manifest = JSON.stringify({ schemaVersion: 2, config, layers: [layer] });
      const headers = { "content-type": "application/vnd.oci.image.manifest.v1+json" };
      const answer = await fetch(url(`manifests/${tag}`), { method: "PUT", body: manifest, headers });
      if (answer.status === 201 && mayAcknowledge()) acknowledged.set(tag, manifest);
    },
    delete: async (tag) => {
      const manifest = acknowledged.get(tag);
      if (manifest === undefined) return;
      acknowledged.delete(tag);
      await fetch(url(`manifests/${digestOf(Buffer.from(manifest))}`), { method: "DELETE" });
    },
    expectWhole: async () => {
      for (const [tag, manifest] of acknowledged) {
        const found = await fetch(url(`manifests/${tag}`));
        expect(await found.text()).toBe(manifest);
        const { layers } = JSON.parse(manifest) as { layers: { digest: string }[] };
        const digest = layers[0]?.digest ?? "";
        const blob = await fetch(url(`blobs/${digest}`));
        expect(digestOf(await blob.bytes())).toBe(digest);
      }
    },
  };
}

/** Nothing half is under a digest, whether somebody asks for it or not. The registry must be down: it collects while it lives. */
export function expectWholeBlobs(root: string): void {
  const blobs = join(root, "data/blobs");
  for (const entry of readdirSync(blobs, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    expect(digestOf(readFileSync(join(entry.parentPath, entry.name)))).toBe(`sha256:${entry.name}`);
  }
}

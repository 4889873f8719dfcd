import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "#base";
import { mediaTypes } from "#formats";
import { contentDigestOf } from "../digest.ts";
import { completeServerConfig, type RegistryServerConfig } from "../settings.ts";
import { type RegistryServer, startRegistryServer } from "../start.ts";

/** A registry in a directory of its own, on a port of this machine, with what a client does in one call each. */
export type TestRegistry = {
  readonly url: string;
  readonly root: string;
  readonly server: RegistryServer;
  /** A request below the registry's address. */
  send(method: string, path: string, options?: RequestInit): Promise<Response>;
  pushBlob(repository: string, bytes: string | Uint8Array): Promise<string>;
  /** An image of one layer; returns the digest and the bytes of its manifest. */
  pushImage(
    repository: string,
    reference: string,
    options?: { readonly layer?: string; readonly subject?: string; readonly artifactType?: string },
  ): Promise<{ readonly digest: string; readonly bytes: string }>;
  /** Stops it and starts it again on the same root. */
  restart(config?: RegistryServerConfig): Promise<TestRegistry>;
  close(): Promise<void>;
};

/** The code of an error answer. */
export async function errorCode(response: Response): Promise<string> {
  const { errors } = (await response.json()) as { errors: { code: string; message: string }[] };
  return errors[0]?.code ?? "";
}

export function digestOfText(text: string | Uint8Array): string {
  return contentDigestOf(Buffer.from(text));
}

/** Starts one; `close` takes its directory away. */
export async function startTestRegistry(config: RegistryServerConfig = {}, at?: string): Promise<TestRegistry> {
  const root = at ?? mkdtempSync(join(tmpdir(), "berth-registry-"));
  const settings = completeServerConfig({ listen: ["127.0.0.1:0"], root, "gc-interval": "0", ...config });
  const server = await startRegistryServer(settings, silentLogger);
  const url = server.addresses[0] ?? "";
  const send = (method: string, path: string, options: RequestInit = {}) =>
    fetch(`${url}${path}`, { method, redirect: "manual", ...options });

  const pushBlob: TestRegistry["pushBlob"] = async (repository, bytes) => {
    const digest = digestOfText(bytes);
    const response = await send("POST", `/v2/${repository}/blobs/uploads/?digest=${digest}`, { body: bytes });
    if (response.status !== 201) throw new Error(`push: ${response.status} ${await response.text()}`);
    return digest;
  };

  return {
    url,
    root,
    server,
    send,
    pushBlob,
    pushImage: async (repository, reference, { layer = "layer", subject, artifactType } = {}) => {
      const configDigest = await pushBlob(repository, "{}");
      const layerDigest = await pushBlob(repository, layer);
      const bytes = JSON.stringify({
        schemaVersion: 2,
        mediaType: mediaTypes.ociManifest,
        ...(artifactType === undefined ? {} : { artifactType }),
        config: { mediaType: mediaTypes.ociConfig, digest: configDigest, size: 2 },
        layers: [{ mediaType: mediaTypes.ociLayer, digest: layerDigest, size: layer.length }],
        ...(subject === undefined
          ? {}
          : { subject: { mediaType: mediaTypes.ociManifest, digest: subject, size: 2 }, annotations: { about: "it" } }),
      });
      const digest = digestOfText(bytes);
      const path = `/v2/${repository}/manifests/${reference === "" ? digest : reference}`;
      const response = await send("PUT", path, { body: bytes, headers: { "content-type": mediaTypes.ociManifest } });
      if (response.status !== 201) throw new Error(`push: ${response.status} ${await response.text()}`);
      return { digest, bytes };
    },
    restart: async (next = config) => {
      await server.stop();
      return startTestRegistry(next, root);
    },
    close: async () => {
      await server.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

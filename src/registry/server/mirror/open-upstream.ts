import { defaultCertificateDirectories } from "../../client/settings.ts";
import { createRegistryClient } from "../../client/client.ts";
import type { MirrorOptions, Upstream } from "./upstream.ts";

/** Reaches a mirrored registry by the client: its tokens, retries and resumed downloads. */
export function openUpstream(options: MirrorOptions): (path: string) => Upstream {
  const client = createRegistryClient({
    insecureRegistries: options.insecure ? [options.upstream] : [],
    mirrors: [],
    certificateDirectories: defaultCertificateDirectories,
    userAgent: "berth-registry",
  });
  const credentials =
    options.username === undefined ? {} : { username: options.username, password: options.password ?? "" };
  return (path) => {
    const repository = client.repository(`${options.upstream}/${path}`, { credentials, access: "pull" });
    return {
      manifest: (reference) => repository.manifest(reference),
      digestOf: (tag) => repository.digestOf(tag),
      blob: ({ digest, size, mediaType }) => repository.blob({ digest, size, mediaType }),
    };
  };
}

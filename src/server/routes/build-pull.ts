import type { IncomingMessage } from "node:http";
import type { BuildRequest } from "#builder";
import type { Engine } from "#engine";
import { parseReference, splitRepository } from "#formats";
import { decodeRegistryConfig } from "#registry";

/** Fetches base images as this client, and says of it what is worth a line of a build's output. */
export function pullWith(
  engine: Engine,
  request: IncomingMessage,
  say: (line: string) => void,
): BuildRequest["pullImage"] {
  const header = request.headers["x-registry-config"];
  const credentialsFor = decodeRegistryConfig(typeof header === "string" ? header : undefined);
  return async (reference, platform, signal) => {
    const { domain } = splitRepository(parseReference(reference).repository);
    const wanted =
      platform === undefined
        ? undefined
        : [platform.os, platform.architecture, platform.variant ?? ""].filter((part) => part !== "").join("/");
    const [image] = await engine.images.pull(
      { reference, platform: wanted, credentials: credentialsFor(domain) },
      ({ status, id, progress }) => {
        if (status === undefined || progress?.total !== undefined) return;
        say(`${id === undefined ? "" : `${id}: `}${status}\n`);
      },
      signal,
    );
    return image ?? engine.images.get(reference);
  };
}

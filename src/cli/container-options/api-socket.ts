import type { Client } from "#client";
import type { CreateContainerBody } from "#formats";
import { packText } from "../archive/pack.ts";
import { registryConfig } from "../credentials/credentials.ts";
import { cliErrors } from "../errors.ts";

const socketInside = "/var/run/docker.sock";
const configDirectoryInside = "/run/secrets/docker";

/** A create request that hands over the daemon's socket, and what is to be done once the container exists. */
export type SharedSocket = { readonly body: CreateContainerBody; finish(id: string): Promise<void> };

type Credentials = {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
};

/** docker's `config.json` with every credential this user has, those of helper programs too. */
async function resolvedConfig(): Promise<string | undefined> {
  const all = JSON.parse(Buffer.from(await registryConfig(), "base64url").toString("utf8")) as Record<
    string,
    Credentials
  >;
  const auths: Record<string, object> = {};
  for (const [server, { username = "", password = "", identitytoken }] of Object.entries(all)) {
    auths[server] = {
      ...(username !== "" && { auth: Buffer.from(`${username}:${password}`).toString("base64") }),
      ...(identitytoken !== undefined && identitytoken !== "" && { identitytoken }),
    };
  }
  return Object.keys(auths).length === 0 ? undefined : JSON.stringify({ auths }, undefined, "\t");
}

/** `--use-api-socket`: the socket of the daemon we talk to, and this user's credentials, inside the container. */
export async function shareApiSocket(client: Client, body: CreateContainerBody): Promise<SharedSocket> {
  const { endpoint } = client.transport;
  if (endpoint.kind !== "unix") {
    throw cliErrors["bad-option"](
      `flag --use-api-socket can only be used with unix sockets: docker endpoint ${endpoint.address} incompatible`,
    );
  }
  const config = await resolvedConfig();
  const mount = { Type: "bind" as const, Source: endpoint.path, Target: socketInside, BindOptions: {} };
  const environment = body.Env ?? [];
  const isSet = environment.some((variable) => variable.startsWith("DOCKER_CONFIG="));
  return {
    body: {
      ...body,
      Env: config === undefined || isSet ? environment : [...environment, `DOCKER_CONFIG=${configDirectoryInside}`],
      HostConfig: { ...body.HostConfig, Mounts: [...(body.HostConfig?.Mounts ?? []), mount] },
    },
    async finish(id) {
      if (config === undefined) return;
      async function* archive() {
        yield* packText(`${configDirectoryInside.slice(1)}/config.json`, Buffer.from(config ?? ""));
        // Two empty blocks end an archive.
        yield new Uint8Array(1024);
      }
      await client.containers.writeArchive(id, "/", archive());
    },
  };
}

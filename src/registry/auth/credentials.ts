import * as v from "valibot";

/** What a client sends in `X-Registry-Auth`, and what `docker login` stores: one registry's credentials. */
export type RegistryCredentials = {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** An OAuth2 refresh token, instead of a password. */
  readonly identityToken?: string | undefined;
  /** A bearer token for the registry itself, used as it is. */
  readonly registryToken?: string | undefined;
  /** The registry they are for, as the client wrote it. */
  readonly serverAddress?: string | undefined;
};

const text = v.nullish(v.string());
const schema = v.object({
  username: text,
  password: text,
  auth: text,
  identitytoken: text,
  registrytoken: text,
  serveraddress: text,
});

/** Header values longer than this are no credentials. */
const HEADER_LIMIT = 64 * 1024;

/** Reads one element of docker's authentication documents; undefined when it is none. */
export function parseCredentials(document: unknown): RegistryCredentials | undefined {
  const result = v.safeParse(schema, document);
  if (!result.success) return undefined;
  const { username, password, auth, identitytoken, registrytoken, serveraddress } = result.output;
  let pair = { username: username ?? "", password: password ?? "" };
  if (pair.username === "" && auth !== undefined && auth !== null && auth !== "") {
    const decoded = Buffer.from(auth, "base64").toString("utf8");
    const colon = decoded.indexOf(":");
    if (colon > 0) pair = { username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, "") };
  }
  const present = (value: string | null | undefined) => (value === "" || value === null ? undefined : value);
  return {
    username: present(pair.username),
    password: present(pair.password),
    identityToken: present(identitytoken),
    registryToken: present(registrytoken),
    serverAddress: present(serveraddress),
  };
}

/**
 * Reads `X-Registry-Auth`: base64url JSON, with or without padding. Malformed values count as none, as Docker has it
 * for pull and push (moby: daemon/server/router/image/image_routes.go).
 */
export function decodeRegistryAuth(header: string | undefined): RegistryCredentials {
  if (header === undefined || header === "" || header.length > HEADER_LIMIT) return {};
  try {
    return parseCredentials(JSON.parse(Buffer.from(header, "base64url").toString("utf8"))) ?? {};
  } catch {
    return {};
  }
}

/** The registry a server address means: "https://index.docker.io/v1/" is Docker Hub's old name. */
export function registryOfServer(address: string): string {
  const host = address.replace(/^https?:\/\//, "").split("/")[0] ?? "";
  return ["", "index.docker.io", "registry-1.docker.io"].includes(host) ? "docker.io" : host;
}

/** Reads `X-Registry-Config`: credentials by server, for builds; returns those of a registry ("docker.io"). */
export function decodeRegistryConfig(header: string | undefined): (domain: string) => RegistryCredentials {
  const found = new Map<string, RegistryCredentials>();
  if (header !== undefined && header.length <= HEADER_LIMIT) {
    try {
      const document: unknown = JSON.parse(Buffer.from(header, "base64url").toString("utf8"));
      for (const [server, entry] of Object.entries(document ?? {})) {
        const credentials = parseCredentials(entry);
        if (credentials !== undefined) found.set(registryOfServer(server), credentials);
      }
    } catch {
      // As for pull and push: what cannot be read is none.
    }
  }
  return (domain) => found.get(domain) ?? {};
}

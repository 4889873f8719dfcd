import { parseReference, splitRepository, tryParseReference } from "#formats";
import { configDirectory, readRawConfig } from "../configuration/config-file.ts";

/** What the daemon gets to know a user at a registry (`X-Registry-Auth`). */
export type StoredCredentials = {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
  readonly serveraddress: string;
};

/** The name under which docker keeps the credentials of Docker Hub. */
export const HUB_SERVER = "https://index.docker.io/v1/";
/** The username with which helpers mark a token. */
const TOKEN_USER = "<token>";

type Section = Readonly<Record<string, unknown>>;

function section(value: unknown): Section {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Section) : {};
}

/** Which helper of `config.json` keeps a server's credentials; undefined: the file itself does. */
export function helperFor(server: string, config: Section): string | undefined {
  const own = section(config["credHelpers"])[server];
  if (typeof own === "string" && own !== "") return own;
  const all = config["credsStore"];
  return typeof all === "string" && all !== "" ? all : undefined;
}

/** The server name of a registry's host: Docker Hub has an old one. */
export function serverOf(domain: string): string {
  return domain === "docker.io" ? HUB_SERVER : domain;
}

/** "https://host:5000/v1/" → "host:5000", as keys of `auths` are compared. */
export function hostOf(server: string): string {
  return server.replace(/^https?:\/\//, "").split("/")[0] ?? "";
}

/** An entry of `auths`; "auth" is user and password together. */
function fromFile(server: string, entry: Section): StoredCredentials | undefined {
  const text = (key: string) => (typeof entry[key] === "string" && entry[key] !== "" ? entry[key] : undefined);
  const decoded = Buffer.from(text("auth") ?? "", "base64")
    .toString("utf8")
    .replace(/\0+$/, "");
  const colon = decoded.indexOf(":");
  const username = colon > 0 ? decoded.slice(0, colon) : text("username");
  const password = colon > 0 ? decoded.slice(colon + 1) : text("password");
  const identitytoken = text("identitytoken");
  const registrytoken = text("registrytoken");
  if (username === undefined && identitytoken === undefined && registrytoken === undefined) return undefined;
  return {
    serveraddress: server,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(identitytoken !== undefined && { identitytoken }),
    ...(registrytoken !== undefined && { registrytoken }),
  };
}

/** The credentials of this user at a server, from its helper or from `config.json`; undefined when there are none. */
export async function findCredentials(server: string): Promise<StoredCredentials | undefined> {
  let config: Section;
  try {
    config = readRawConfig(configDirectory()) ?? {};
  } catch {
    // Whoever read it before has told.
    return undefined;
  }
  const helper = helperFor(server, config);
  if (helper !== undefined) {
    const { getFromHelper } = await import("./credential-program.ts");
    const entry = await getFromHelper(helper, server);
    if (entry === undefined) return undefined;
    return entry.Username === TOKEN_USER
      ? { serveraddress: server, identitytoken: entry.Secret }
      : { serveraddress: server, username: entry.Username, password: entry.Secret };
  }
  const auths = section(config["auths"]);
  const key = server in auths ? server : Object.keys(auths).find((name) => hostOf(name) === hostOf(server));
  return key === undefined ? undefined : fromFile(server, section(auths[key]));
}

/** Base64url JSON, as `X-Registry-Auth` and `X-Registry-Config` carry it. */
function encoded(value: unknown): string {
  const base64 = Buffer.from(JSON.stringify(value)).toString("base64");
  return base64.replaceAll("+", "-").replaceAll("/", "_");
}

/** `X-Registry-Auth` for the registry of an image. */
export async function registryAuthFor(image: string): Promise<string> {
  if (tryParseReference(image) === undefined) return encoded({});
  const { domain } = splitRepository(parseReference(image).repository);
  return encoded((await findCredentials(serverOf(domain))) ?? {});
}

/** `X-Registry-Config`: everything this user has, for a build may begin with any image. */
export async function registryConfig(): Promise<string> {
  let config: Section;
  try {
    config = readRawConfig(configDirectory()) ?? {};
  } catch {
    return encoded({});
  }
  const servers = new Set([...Object.keys(section(config["auths"])), ...Object.keys(section(config["credHelpers"]))]);
  const store = config["credsStore"];
  if (typeof store === "string" && store !== "") {
    const { listHelper } = await import("./credential-program.ts");
    for (const server of await listHelper(store)) servers.add(server);
  }
  const entries: Record<string, StoredCredentials> = {};
  for (const server of servers) {
    const found = await findCredentials(server);
    if (found !== undefined) entries[server] = found;
  }
  return encoded(entries);
}

/** Keeps credentials; true when they lie unencrypted in `config.json`. */
export async function storeCredentials(credentials: StoredCredentials): Promise<boolean> {
  const { serveraddress: server, username = "", password = "", identitytoken } = credentials;
  const config = readRawConfig(configDirectory()) ?? {};
  const helper = helperFor(server, config);
  const { updateConfig } = await import("../configuration/write-config.ts");
  if (helper !== undefined) {
    const { storeInHelper } = await import("./credential-program.ts");
    await storeInHelper(
      helper,
      server,
      identitytoken === undefined
        ? { Username: username, Secret: password }
        : { Username: TOKEN_USER, Secret: identitytoken },
    );
    // docker marks servers whose secret a helper has.
    updateConfig((file) => {
      file["auths"] = { ...section(file["auths"]), [server]: {} };
    });
    return false;
  }
  updateConfig((file) => {
    const auth = Buffer.from(`${username}:${identitytoken === undefined ? password : ""}`).toString("base64");
    file["auths"] = {
      ...section(file["auths"]),
      [server]: { auth, ...(identitytoken !== undefined && { identitytoken }) },
    };
  });
  return true;
}

/** Forgets credentials, under every name docker may have given the server. False when there were none. */
export async function eraseCredentials(server: string): Promise<boolean> {
  const config = readRawConfig(configDirectory()) ?? {};
  const auths = section(config["auths"]);
  const keys = Object.keys(auths).filter((key) => key === server || hostOf(key) === hostOf(server));
  const helper = helperFor(server, config);
  if (keys.length === 0 && helper === undefined) return false;
  if (helper !== undefined) {
    const { eraseFromHelper } = await import("./credential-program.ts");
    await eraseFromHelper(helper, server);
  }
  if (keys.length > 0) {
    const { updateConfig } = await import("../configuration/write-config.ts");
    updateConfig((file) => {
      file["auths"] = Object.fromEntries(Object.entries(section(file["auths"])).filter(([key]) => !keys.includes(key)));
    });
  }
  return true;
}

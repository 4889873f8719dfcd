import { EngineError } from "#base";
import { parseChallenges } from "../auth/challenge.ts";
import { type RegistryCredentials, registryOfServer } from "../auth/credentials.ts";
import { basic, fetchToken } from "../auth/tokens.ts";
import { errors } from "../errors.ts";
import { faultsOf, faultText } from "./answer.ts";
import { createConnections } from "./connections.ts";
import { endpointsOf, isInsecure } from "./endpoints.ts";
import { isTransient, withoutQuery } from "./faults.ts";
import type { TokenStore } from "./host.ts";
import { openRepository, type PlainHosts, type RemoteRepository } from "./repository.ts";
import { type SearchRequest, type SearchResult, searchRegistry } from "./search.ts";
import type { RegistrySettings } from "./settings.ts";

/** Speaks to all registries: connections and tokens are shared. */
export type RegistryClient = {
  /** A repository ("docker.io/library/debian") as a user. */
  repository(
    name: string,
    options: {
      readonly credentials: RegistryCredentials;
      readonly access: "pull" | "push";
      /** Paths in the same registry that blobs may be mounted from. */
      readonly mountFrom?: readonly string[] | undefined;
      /** The registry may speak plain HTTP or show a certificate nobody knows. @default as the settings say */
      readonly insecure?: boolean | undefined;
    },
  ): RemoteRepository;
  /** Checks credentials against a registry; the refresh token, when it gives one. Throws `registryLoginRefused`. */
  login(
    credentials: RegistryCredentials,
    signal?: AbortSignal,
  ): Promise<{ readonly identityToken: string | undefined }>;
  /** Repositories whose name has the term in it; see `search.ts`. */
  search(request: SearchRequest, signal?: AbortSignal): Promise<readonly SearchResult[]>;
  close(): void;
};

/** Makes a client. Nothing is sent before it is asked for something. */
export function createRegistryClient(settings: RegistrySettings): RegistryClient {
  const connections = createConnections(settings);
  const tokens: TokenStore = new Map();
  const plainHosts: PlainHosts = new Map();

  const loginAt = async (
    endpoint: { readonly url: string; readonly verify: boolean },
    credentials: RegistryCredentials,
    signal: AbortSignal | undefined,
  ) => {
    const url = new URL("v2/", endpoint.url);
    const { verify } = endpoint;
    const { username = "", password = "" } = credentials;
    const asked = await connections.send({ method: "GET", url, headers: {}, verify, signal });
    if (asked.status === 200) {
      await asked.discard();
      return { identityToken: undefined };
    }
    const challenges = parseChallenges(asked.headers.get("www-authenticate"));
    if (asked.status !== 401 || challenges.length === 0) {
      const why = faultText(await faultsOf(asked), asked.status);
      throw errors.registryLoginRefused(url.href, why);
    }
    await asked.discard();
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    let authorization = basic(username, password);
    let identityToken: string | undefined;
    if (bearer !== undefined) {
      const text = bearer.parameters.get("realm") ?? "";
      if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
        throw errors.registryChallengeInvalid(url.href, "names no realm");
      }
      const realm = new URL(text);
      if (realm.protocol === "http:" && verify) {
        throw errors.registryChallengeInvalid(url.href, `would send the password without TLS to ${realm.host}`);
      }
      const token = await fetchToken(connections, {
        realm,
        service: bearer.parameters.get("service") ?? "",
        scopes: [],
        credentials,
        verify: !(await isInsecure(realm.host, settings)),
        offline: true,
        signal,
      }).catch((error: unknown) => {
        if (error instanceof EngineError && error.code === "registryTokenRefused") {
          throw errors.registryLoginRefused(withoutQuery(realm), error.message.replace(/^Get "[^"]*": /, ""));
        }
        throw error;
      });
      authorization = `Bearer ${token.token}`;
      identityToken = token.refreshToken;
    }
    const answer = await connections.send({
      method: "GET",
      url,
      headers: { Authorization: authorization },
      verify,
      signal,
    });
    if (answer.status === 200) {
      await answer.discard();
      return { identityToken };
    }
    const why = faultText(await faultsOf(answer), answer.status);
    throw errors.registryLoginRefused(
      withoutQuery(url),
      answer.status === 401 ? (why.startsWith("received") ? "unauthorized: authentication required" : why) : why,
    );
  };

  return {
    repository: (name, options) => openRepository({ name, connections, settings, tokens, plainHosts, ...options }),
    async login(credentials, signal) {
      const host = registryOfServer(credentials.serverAddress ?? "");
      if (!URL.canParse(`https://${host}/`)) throw errors.registryServerInvalid(credentials.serverAddress ?? "");
      const endpoints = await endpointsOf(host, settings, { mirrors: false });
      let failure: unknown;
      for (const endpoint of endpoints) {
        try {
          return await loginAt(endpoint, credentials, signal);
        } catch (error) {
          signal?.throwIfAborted();
          failure ??= error;
          if (!(error instanceof EngineError) || !isTransient(error)) throw error;
        }
      }
      throw failure;
    },
    search: (request, signal) => searchRegistry({ connections, settings, tokens }, request, signal),
    close: () => connections.close(),
  };
}

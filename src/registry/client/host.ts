import { delay } from "#base";
import type { RegistryCredentials } from "../auth/credentials.ts";
import { parseChallenges } from "../auth/challenge.ts";
import { basic, fetchToken, fingerprint, type Token } from "../auth/tokens.ts";
import { errors } from "../errors.ts";
import { faultsOf, faultText } from "./answer.ts";
import type { Connections, RawResponse, RequestBody } from "./connections.ts";
import { type Endpoint, isInsecure } from "./endpoints.ts";
import { isTransient, withoutQuery } from "./faults.ts";
import type { RegistrySettings } from "./settings.ts";

/** A request to a registry; authenticates, follows redirects and, where it may, tries again. */
export type HostRequest = {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the endpoint ("v2/…"), or the whole URL that the registry gave (`Location`). */
  readonly target: string | URL;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: RequestBody | undefined;
  /** "repository:library/debian:pull" */
  readonly scopes: readonly string[];
  /** False: one try, and whatever comes is the answer. @default true */
  readonly repeat?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** One registry at one endpoint, as one user. */
export type Host = {
  readonly endpoint: Endpoint;
  send(request: HostRequest): Promise<RawResponse>;
  /** True while an endpoint that is a guess has not answered once. */
  isWrongGuess(): boolean;
};

/** Tokens of all users at all registries, by what they are for. */
export type TokenStore = Map<string, Token>;

const MOST_REDIRECTS = 10;
const MOST_TOKENS = 500;
/** A registry that wants more patience than this is told about at once. */
const LONGEST_PAUSE_MS = 60_000;
const repeatable = new Set([408, 429, 500, 502, 503, 504]);

/** What `Retry-After` asks for, in milliseconds (RFC 9110, 10.2.3). */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** The pause before try number `attempt` (from 1): doubles, with some chance in it so that clients do not march in step. */
export function backOffMs(attempt: number, first: number): number {
  return Math.min(30_000, first * 2 ** (attempt - 1)) * (0.75 + Math.random() / 2);
}

/** See `Host`. */
export function createHost(parts: {
  readonly endpoint: Endpoint;
  readonly credentials: RegistryCredentials;
  readonly connections: Connections;
  readonly settings: RegistrySettings;
  readonly tokens: TokenStore;
}): Host {
  const { endpoint, credentials, connections, settings, tokens } = parts;
  const base = new URL(endpoint.url);
  const who = fingerprint(credentials);
  const attempts = settings.attempts ?? 5;
  /** What the registry asked for, once it did. */
  let wants:
    | { readonly kind: "basic" }
    | { readonly kind: "bearer"; readonly realm: URL; readonly service: string }
    | undefined;

  const realmOf = (text: string, url: URL): URL => {
    let realm: URL;
    try {
      realm = new URL(text);
    } catch {
      throw errors.registryChallengeInvalid(withoutQuery(url), `names no realm ("${text.slice(0, 100)}")`);
    }
    if (realm.protocol !== "https:" && realm.protocol !== "http:") {
      throw errors.registryChallengeInvalid(withoutQuery(url), `names a realm that is no web address`);
    }
    if (realm.protocol === "http:" && endpoint.verify && credentials.username !== undefined) {
      throw errors.registryChallengeInvalid(withoutQuery(url), `would send the password without TLS to ${realm.host}`);
    }
    return realm;
  };

  const tokenFor = async (scopes: readonly string[], signal: AbortSignal | undefined, fresh: boolean) => {
    if (wants?.kind !== "bearer") return undefined;
    const key = [wants.realm.href, wants.service, who, ...scopes].join(" ");
    const known = tokens.get(key);
    if (!fresh && known !== undefined && known.until > performance.now()) return known.token;
    const verify = !(await isInsecure(wants.realm.host, settings));
    const token = await fetchToken(connections, {
      realm: wants.realm,
      service: wants.service,
      scopes,
      credentials,
      verify,
      offline: false,
      signal,
    });
    if (tokens.size >= MOST_TOKENS) tokens.clear();
    tokens.set(key, token);
    return token.token;
  };

  const authorization = async (scopes: readonly string[], signal: AbortSignal | undefined, fresh: boolean) => {
    if (credentials.registryToken !== undefined) return `Bearer ${credentials.registryToken}`;
    if (wants?.kind === "basic") return basic(credentials.username ?? "", credentials.password ?? "");
    const token = await tokenFor(scopes, signal, fresh);
    return token === undefined ? undefined : `Bearer ${token}`;
  };

  /** Learns from a 401 what to do; false when there is nothing to do. */
  const learn = async (response: RawResponse, method: string, url: URL): Promise<boolean> => {
    if (credentials.registryToken !== undefined) return false;
    const challenges = parseChallenges(response.headers.get("www-authenticate"));
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer !== undefined) {
      const realm = realmOf(bearer.parameters.get("realm") ?? "", url);
      wants = { kind: "bearer", realm, service: bearer.parameters.get("service") ?? "" };
      await response.discard();
      return true;
    }
    if (!challenges.some(({ scheme }) => scheme === "basic")) return false;
    if (wants?.kind === "basic") return false;
    await response.discard();
    if (credentials.username === undefined) throw errors.registryNoCredentials(method, withoutQuery(url));
    wants = { kind: "basic" };
    return true;
  };

  const once = async (request: HostRequest): Promise<RawResponse> => {
    const { method, body, signal, scopes } = request;
    let url = typeof request.target === "string" ? new URL(base.pathname + request.target, base) : request.target;
    let learned = 0;
    let { verify } = endpoint;
    for (let redirects = 0; ;) {
      // A realm, a storage service, a mirror's upstream: only the registry itself sees the credentials.
      const isOurs = url.host === base.host && (url.protocol === base.protocol || url.protocol === "https:");
      const allowed = isOurs ? await authorization(scopes, signal, learned > 1) : undefined;
      const headers = { ...request.headers, ...(allowed === undefined ? {} : { Authorization: allowed }) };
      const response = await connections.send({ method, url, headers, body, verify, signal });
      if (response.status === 401 && isOurs && learned < 2) {
        const hadToken = allowed !== undefined;
        if (await learn(response, method, url)) {
          // First with what is known; then, as the token may have ended early, with a new one.
          learned = hadToken ? 2 : learned + 1;
          continue;
        }
      }
      const location = response.headers.get("location");
      const isRedirect =
        [307, 308].includes(response.status) ||
        ([301, 302, 303].includes(response.status) && (method === "GET" || method === "HEAD"));
      if (!isRedirect || location === undefined) return response;
      await response.discard();
      if (++redirects > MOST_REDIRECTS) {
        throw errors.registryFaulty(method, withoutQuery(url), `stopped after ${MOST_REDIRECTS} redirects`);
      }
      url = resolveLocation(location, url, method);
      verify = url.host === base.host ? endpoint.verify : !(await isInsecure(url.host, settings));
    }
  };

  let hasAnswered = false;
  const isWrongGuess = () => endpoint.isGuess === true && !hasAnswered;

  const send = async (request: HostRequest): Promise<RawResponse> => {
    const { signal } = request;
    if (request.repeat === false) {
      const response = await once(request);
      hasAnswered = true;
      return response;
    }
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt >= attempts;
      let pauseMs = backOffMs(attempt, settings.backOffMs ?? 250);
      try {
        const response = await once(request);
        hasAnswered = true;
        if (!repeatable.has(response.status)) return response;
        const asked = retryAfterMs(response.headers.get("retry-after"));
        if (isLast || (asked ?? 0) > LONGEST_PAUSE_MS) {
          const why = faultText(await faultsOf(response), response.status);
          if (response.status === 429) {
            throw errors.registryRateLimited(
              asked === undefined ? why : `${why}; it asks to wait ${Math.ceil(asked / 1000)} seconds`,
            );
          }
          throw errors.registryFaulty(request.method, withoutQuery(response.url), why);
        }
        await response.discard();
        pauseMs = Math.max(pauseMs, asked ?? 0);
      } catch (error) {
        // Nobody listens there, or no such name: that does not change within seconds, and people wait.
        const isHopeless =
          error instanceof Error && /refused|no such host|certificate|HTTP response|the proxy/.test(error.message);
        // A server without TLS may just hang up on a greeting it does not understand: the other way is tried at once.
        if (isLast || !isTransient(error) || isHopeless || isWrongGuess() || isAnswered(error)) throw error;
      }
      await delay(pauseMs, signal);
    }
  };
  return { endpoint, send, isWrongGuess };
}

function isAnswered(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "registryFaulty";
}

/** Where a redirect or an upload's `Location` leads; TLS is not given up for the same host. */
export function resolveLocation(location: string, from: URL, method: string): URL {
  let url: URL;
  try {
    url = new URL(location, from);
  } catch {
    throw errors.registryFaulty(method, withoutQuery(from), `malformed Location "${location.slice(0, 100)}"`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw errors.registryFaulty(method, withoutQuery(from), `it redirects to "${url.protocol}"`);
  }
  url.username = "";
  url.password = "";
  // Registries behind a proxy that ends TLS often name themselves by http.
  if (
    url.protocol === "http:" &&
    from.protocol === "https:" &&
    url.hostname === from.hostname &&
    url.port === from.port
  ) {
    url.protocol = "https:";
  }
  return url;
}

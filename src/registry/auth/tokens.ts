import { createHash } from "node:crypto";
import * as v from "valibot";
import { errorMessage } from "#base";
import { faultsOf, faultText, readSmall } from "../client/answer.ts";
import type { Connections } from "../client/connections.ts";
import { withoutQuery } from "../client/faults.ts";
import { errors } from "../errors.ts";
import type { RegistryCredentials } from "./credentials.ts";

/** A bearer token (distribution: docs/spec/auth/token.md). */
export type Token = {
  readonly token: string;
  /** `performance.now()` after which it is not used any more. */
  readonly until: number;
  readonly refreshToken: string | undefined;
};

const schema = v.object({
  token: v.nullish(v.string()),
  access_token: v.nullish(v.string()),
  refresh_token: v.nullish(v.string()),
  expires_in: v.nullish(v.number()),
});

const TOKEN_LIMIT = 1024 * 1024;
/** What the specification says of tokens that do not say how long they hold. */
const DEFAULT_SECONDS = 60;
/** Tokens are given up so long before their end: a request takes its time. */
const EARLY_SECONDS = 10;

/** Fetches a token from a realm; with a refresh token by OAuth2, else by Basic authentication or anonymously. */
export async function fetchToken(
  connections: Connections,
  request: {
    readonly realm: URL;
    readonly service: string;
    readonly scopes: readonly string[];
    readonly credentials: RegistryCredentials;
    readonly verify: boolean;
    /** Ask for a refresh token, as `login` does. */
    readonly offline: boolean;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Token> {
  const { realm, service, scopes, credentials, verify, signal } = request;
  const { username, password, identityToken } = credentials;
  const fields = new URLSearchParams();
  if (service !== "") fields.set("service", service);
  for (const scope of scopes) fields.append("scope", scope);
  const url = new URL(realm);
  const headers: Record<string, string> = { Accept: "application/json" };
  const isRefresh = identityToken !== undefined;
  if (isRefresh) {
    fields.set("scope", scopes.join(" "));
    fields.set("grant_type", "refresh_token");
    fields.set("client_id", "berth");
    fields.set("refresh_token", identityToken);
    headers["Content-Type"] = "application/x-www-form-urlencoded";
  } else {
    if (username !== undefined) {
      fields.set("account", username);
      headers["Authorization"] = basic(username, password ?? "");
    }
    if (request.offline) {
      fields.set("client_id", "berth");
      fields.set("offline_token", "true");
    }
    for (const [name, value] of fields) url.searchParams.append(name, value);
  }
  const body = isRefresh ? { kind: "bytes" as const, bytes: Buffer.from(fields.toString()) } : undefined;
  const response = await connections.send({ method: isRefresh ? "POST" : "GET", url, headers, body, verify, signal });
  if (response.status !== 200) {
    const why = faultText(await faultsOf(response), response.status);
    if (response.status === 401 || response.status === 403) {
      throw errors.registryTokenRefused(
        withoutQuery(realm),
        username === undefined && !isRefresh ? why : `unauthorized: incorrect username or password (${why})`,
      );
    }
    if (response.status === 429) throw errors.registryRateLimited(why);
    throw errors.registryTokenFailed(withoutQuery(realm), why);
  }
  const bytes = await readSmall(response, TOKEN_LIMIT, "the token");
  let document: unknown;
  try {
    document = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw errors.registryTokenFailed(withoutQuery(realm), errorMessage(error));
  }
  const parsed = v.safeParse(schema, document);
  const token = parsed.success ? parsed.output.token || parsed.output.access_token : undefined;
  if (!parsed.success || !token) throw errors.registryTokenFailed(withoutQuery(realm), "its answer has no token");
  const seconds = Math.max(0, (parsed.output.expires_in ?? DEFAULT_SECONDS) - EARLY_SECONDS);
  return {
    token,
    until: performance.now() + seconds * 1000,
    refreshToken: parsed.output.refresh_token ?? undefined,
  };
}

/** `Authorization: Basic` (RFC 7617). */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** Tells credentials apart without keeping them. */
export function fingerprint(credentials: RegistryCredentials): string {
  const { username, password, identityToken, registryToken } = credentials;
  return createHash("sha256")
    .update(JSON.stringify([username, password, identityToken, registryToken]))
    .digest("base64url");
}

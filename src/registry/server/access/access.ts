import type { Logger } from "#base";
import { serverErrors } from "../errors.ts";
import { isRepositoryName } from "../repositories/keys.ts";
import { openPasswordFile } from "./htpasswd.ts";
import { type AccessRule, ANONYMOUS, compileRules, everybody, type Principal } from "./rules.ts";
import {
  allowedGrants,
  createTokenVerifier,
  type Grant,
  openTokenIssuer,
  parseScope,
  type TokenVerifier,
} from "./tokens.ts";

/** How a registry knows who asks. */
export type AccessOptions = {
  /** A file of `user:bcrypt` lines. */
  readonly htpasswd?: string | undefined;
  /** Users of the file get short-lived tokens from this server's own `/token` instead of sending the password each time. */
  readonly issueTokens?: boolean | undefined;
  /** Tokens come from another server. */
  readonly tokens?:
    | { readonly realm: string; readonly service: string; readonly issuer: string; readonly keys: string }
    | undefined;
  /** Without rules, every user of the password file may do everything. */
  readonly rules?: readonly AccessRule[] | undefined;
  /** Shown by browsers and clients when they ask for a password. */
  readonly realm?: string | undefined;
};

/** Decides who asks, and how they are told to log in. */
export type Access = {
  /** Undefined when the request carries no credentials and nobody may do anything without; throws for wrong ones. */
  identify(request: Request): Promise<Principal>;
  /** The `WWW-Authenticate` header for a request that may not do what it asks. */
  challenge(request: Request, grants: readonly Grant[]): Record<string, string>;
  /** True when a request without credentials must be challenged at `/v2/`, so that clients learn how to log in. */
  readonly wantsLogin: boolean;
  /** The answer of `/token`; undefined when this server issues none. */
  token?(request: Request): Promise<Response>;
};

function basicCredentials(header: string): { user: string; password: string } | undefined {
  const match = /^basic ([A-Za-z0-9+/=_-]{1,4096})$/i.exec(header);
  if (match === null) return undefined;
  const text = Buffer.from(match[1] ?? "", "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 1 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function bearerToken(header: string): string | undefined {
  return /^bearer ([\w.~+/=-]{1,16384})$/i.exec(header)?.[1];
}

function scopeText(grants: readonly Grant[]): string {
  // Names come from the request: only those that can be one, and so have no quotes.
  const scopes = grants
    .filter(({ type, name }) => type !== "repository" || isRepositoryName(name))
    .map(({ type, name, actions }) => `${type}:${name}:${actions.join(",")}`);
  return scopes.length === 0 ? "" : `,scope="${scopes.join(" ")}"`;
}

/** `https://host` as the client addressed us; a proxy in front says so by X-Forwarded-Proto. */
function originOf(request: Request): string {
  const url = new URL(request.url);
  const forwarded = request.headers.get("x-forwarded-proto");
  const protocol = forwarded === "https" || forwarded === "http" ? `${forwarded}:` : url.protocol;
  return `${protocol}//${url.host}`;
}

const everything: readonly AccessRule[] = [{ users: ["*"], repositories: ["**"], actions: ["pull", "push", "delete"] }];

async function formOf(request: Request): Promise<URLSearchParams> {
  const length = Number(request.headers.get("content-length") ?? "0");
  if (!(length <= 65_536)) throw serverErrors.servedUnauthorized();
  return new URLSearchParams(await request.text());
}

/** Sets up authentication as configured; none means that everybody may do everything. */
export async function openAccess(options: AccessOptions, stateDirectory: string, logger: Logger): Promise<Access> {
  const { htpasswd, tokens, realm = "Berth registry" } = options;
  if (htpasswd === undefined && tokens === undefined) {
    return { wantsLogin: false, identify: async () => everybody, challenge: () => ({}) };
  }
  const principalFor = compileRules(options.rules ?? everything);
  const passwords = htpasswd === undefined ? undefined : openPasswordFile(htpasswd, logger);

  const byPassword = async (header: string): Promise<Principal | undefined> => {
    const given = basicCredentials(header);
    if (given === undefined || passwords === undefined || given.user === ANONYMOUS) return undefined;
    return (await passwords.verify(given.user, given.password)) ? principalFor(given.user) : undefined;
  };

  const identifyBy =
    (check: (header: string) => Promise<Principal | undefined>) =>
    async (request: Request): Promise<Principal> => {
      const header = request.headers.get("authorization");
      if (header === null) return principalFor(ANONYMOUS);
      const principal = await check(header);
      if (principal === undefined) throw serverErrors.servedUnauthorized();
      return principal;
    };

  const byToken = (verify: TokenVerifier) => async (header: string) => {
    const token = bearerToken(header);
    return token === undefined ? undefined : verify(token);
  };

  if (tokens !== undefined) {
    const verify = byToken(await createTokenVerifier(tokens));
    return {
      wantsLogin: true,
      // With a password file beside, people and scripts may also send a password.
      identify: identifyBy(async (header) => (await verify(header)) ?? byPassword(header)),
      challenge: (_request, grants) => ({
        "www-authenticate": `Bearer realm="${tokens.realm}",service="${tokens.service}"${scopeText(grants)}`,
      }),
    };
  }
  if (options.issueTokens !== true) {
    return {
      wantsLogin: true,
      identify: identifyBy(byPassword),
      challenge: () => ({ "www-authenticate": `Basic realm="${realm}", charset="UTF-8"` }),
    };
  }

  const service = realm;
  const issuer = await openTokenIssuer({ directory: stateDirectory, service });
  const verify = byToken(async (token) => {
    const principal = await issuer.verify(token);
    if (principal === undefined) return undefined;
    const user = principalFor(principal.name);
    return {
      ...principal,
      mayAskFor: (action, repository) => (repository === undefined ? user.canList : user.can(action, repository)),
    };
  });
  return {
    wantsLogin: true,
    identify: identifyBy(async (header) => (await verify(header)) ?? byPassword(header)),
    challenge: (request, grants) => ({
      "www-authenticate": `Bearer realm="${originOf(request)}/token",service="${service}"${scopeText(grants)}`,
    }),
    token: async (request) => {
      const isForm = request.method === "POST";
      const fields = isForm ? await formOf(request) : new URL(request.url).searchParams;
      let header = request.headers.get("authorization");
      if (isForm && fields.get("grant_type") === "password") {
        const pair = `${fields.get("username") ?? ""}:${fields.get("password") ?? ""}`;
        header = `Basic ${Buffer.from(pair).toString("base64")}`;
      } else if (isForm) throw serverErrors.servedUnsupported("only grant_type=password is supported");
      const principal = header === null ? principalFor(ANONYMOUS) : await byPassword(header);
      if (principal === undefined || fields.get("service") !== service) throw serverErrors.servedUnauthorized();
      const scopes = fields.getAll("scope").flatMap((text) => text.split(" "));
      const wanted = scopes.slice(0, 100).flatMap((text) => parseScope(text) ?? []);
      const { token, seconds } = await issuer.issue(principal, allowedGrants(principal, wanted));
      const body = { token, access_token: token, expires_in: seconds, issued_at: new Date().toISOString() };
      return Response.json(body, { headers: { "cache-control": "no-store" } });
    },
  };
}

import { createPublicKey, generateKeyPairSync, randomUUID, X509Certificate } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JSONWebKeySet, JWK } from "jose";
import { isRepositoryName } from "../repositories/keys.ts";
import type { Action, Principal } from "./rules.ts";
import { ANONYMOUS } from "./rules.ts";

/** One grant of a token (Docker's token authentication specification, "access"). */
export type Grant = { readonly type: string; readonly name: string; readonly actions: readonly string[] };

/** Checks tokens; undefined for one that is not good, whatever is wrong with it. */
export type TokenVerifier = (token: string) => Promise<Principal | undefined>;

/** Only signatures by a key pair: a shared secret could be forged by whoever checks it. */
const algorithms = ["ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"];

const actionsOf: Readonly<Record<string, readonly Action[]>> = {
  pull: ["pull"],
  push: ["push"],
  delete: ["delete"],
  "*": ["pull", "push", "delete"],
};

function principalOf(name: string, grants: readonly Grant[]): Principal {
  const rights = new Map<string, Set<Action>>();
  let canList = false;
  for (const grant of grants) {
    if (grant.type === "registry" && grant.name === "catalog" && grant.actions.includes("*")) canList = true;
    if (grant.type !== "repository") continue;
    const actions = rights.get(grant.name) ?? new Set<Action>();
    for (const action of grant.actions) for (const right of actionsOf[action] ?? []) actions.add(right);
    rights.set(grant.name, actions);
  }
  return { name, canList, can: (action, repository) => rights.get(repository)?.has(action) === true };
}

function grantsOf(value: unknown): Grant[] {
  if (!Array.isArray(value)) return [];
  return value.filter((grant: unknown): grant is Grant => {
    const { type, name, actions } = (grant ?? {}) as Record<string, unknown>;
    return typeof type === "string" && typeof name === "string" && Array.isArray(actions);
  });
}

/** The public keys of a PEM file (certificates or keys) or of a JSON Web Key Set. */
async function readKeys(path: string): Promise<JSONWebKeySet> {
  const text = readFileSync(path, "utf8");
  if (text.trimStart().startsWith("{")) return JSON.parse(text) as JSONWebKeySet;
  const { calculateJwkThumbprint } = await import("jose");
  const keys: JWK[] = [];
  for (const [block] of text.matchAll(/-----BEGIN ([A-Z ]+)-----[\s\S]*?-----END \1-----/g)) {
    const key = block.includes("CERTIFICATE") ? new X509Certificate(block).publicKey : createPublicKey(block);
    const jwk = key.export({ format: "jwk" }) as JWK;
    keys.push({ ...jwk, kid: await calculateJwkThumbprint(jwk) });
  }
  if (keys.length === 0) throw new Error(`${path} holds no certificate, public key or key set`);
  return { keys };
}

/**
 * Checks bearer tokens that somebody else issues. The keys come from the file alone: what a token's head says about keys
 * is not looked at (CVE-2025-24976), and a token without its time, issuer or audience is none.
 */
export async function createTokenVerifier(options: {
  readonly keys: string | JSONWebKeySet;
  readonly issuer: string;
  readonly service: string;
}): Promise<TokenVerifier> {
  const { createLocalJWKSet, jwtVerify } = await import("jose");
  const keySet = typeof options.keys === "string" ? await readKeys(options.keys) : options.keys;
  const byKid = createLocalJWKSet(keySet);
  return async (token) => {
    try {
      const { payload } = await jwtVerify(
        token,
        (header, input) => byKid({ alg: header.alg, ...(header.kid === undefined ? {} : { kid: header.kid }) }, input),
        {
          algorithms,
          issuer: options.issuer,
          audience: options.service,
          requiredClaims: ["exp"],
          clockTolerance: 30,
        },
      );
      const principal = principalOf(payload.sub || ANONYMOUS, grantsOf(payload["access"]));
      return { ...principal, mayAskFor: () => undefined };
    } catch {
      // Not ours to say why: every reason is the same "not logged in".
      return undefined;
    }
  };
}

/** Reads a scope: `repository:team/shop:pull,push`; undefined for what is none. */
export function parseScope(text: string): Grant | undefined {
  const first = text.indexOf(":");
  const last = text.lastIndexOf(":");
  if (first < 1 || last <= first) return undefined;
  const type = text.slice(0, first).replace(/\(.*\)$/, "");
  return { type, name: text.slice(first + 1, last), actions: text.slice(last + 1).split(",") };
}

/** What of the wanted a principal gets: no more than is allowed, and nothing is no error. */
export function allowedGrants(principal: Principal, wanted: readonly Grant[]): Grant[] {
  return wanted.flatMap((grant) => {
    if (grant.type === "registry" && grant.name === "catalog") return principal.canList ? [grant] : [];
    if (grant.type !== "repository" || !isRepositoryName(grant.name)) return [];
    const asked = new Set(grant.actions.flatMap((action) => actionsOf[action] ?? []));
    const actions = [...asked].filter((action) => principal.can(action, grant.name));
    return actions.length === 0 ? [] : [{ ...grant, actions }];
  });
}

/** Issues tokens of our own, signed by a key that is made at the first start. */
export type TokenIssuer = {
  readonly verify: TokenVerifier;
  issue(principal: Principal, grants: readonly Grant[]): Promise<{ readonly token: string; readonly seconds: number }>;
};

const TOKEN_SECONDS = 300;

/** An issuer whose key lies in `directory`, readable by its owner only. */
export async function openTokenIssuer(options: {
  readonly directory: string;
  readonly service: string;
}): Promise<TokenIssuer> {
  const { calculateJwkThumbprint, importPKCS8, SignJWT } = await import("jose");
  const path = join(options.directory, "token-key.pem");
  if (!existsSync(path)) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    writeFileSync(path, privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
  }
  const pem = readFileSync(path, "utf8");
  const privateKey = await importPKCS8(pem, "ES256");
  const jwk = createPublicKey(pem).export({ format: "jwk" }) as JWK;
  const kid = await calculateJwkThumbprint(jwk);
  const issuer = "berth";
  return {
    verify: await createTokenVerifier({ keys: { keys: [{ ...jwk, kid }] }, issuer, service: options.service }),
    issue: async (principal, grants) => ({
      seconds: TOKEN_SECONDS,
      token: await new SignJWT({ access: grants })
        .setProtectedHeader({ alg: "ES256", typ: "JWT", kid })
        .setIssuer(issuer)
        .setSubject(principal.name === ANONYMOUS ? "" : principal.name)
        .setAudience(options.service)
        .setIssuedAt()
        .setNotBefore("-10s")
        .setExpirationTime(`${TOKEN_SECONDS}s`)
        .setJti(randomUUID())
        .sign(privateKey),
    }),
  };
}

import { createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import * as v from "valibot";
import { errorMessage } from "#base";
import type { ImageReference } from "#formats";
import { errors } from "./errors.ts";
import { type SignedIdentity, signedIdentitySchema } from "./identity.ts";

/** What must hold for an image; all of a scope's requirements must. */
export type Requirement =
  | { readonly type: "insecureAcceptAnything" }
  | { readonly type: "reject" }
  | { readonly type: "sigstoreSigned"; readonly keys: readonly KeyObject[]; readonly signedIdentity: SignedIdentity };

/** A policy as `containers-policy.json(5)` describes it, read and checked. */
export type TrustPolicy = {
  /** Where it came from, for messages. */
  readonly path: string;
  readonly fallback: readonly Requirement[];
  /** Scopes of names: "registry.example/team", "*.example.com", "" for all. */
  readonly names: ReadonlyMap<string, readonly Requirement[]>;
  /** For images without a name. */
  readonly nameless: readonly Requirement[];
};

const requirementSchema = v.variant("type", [
  v.strictObject({ type: v.literal("insecureAcceptAnything") }),
  v.strictObject({ type: v.literal("reject") }),
  v.strictObject({
    type: v.literal("sigstoreSigned"),
    keyPath: v.optional(v.string()),
    keyPaths: v.optional(v.array(v.string())),
    keyData: v.optional(v.string()),
    keyDatas: v.optional(v.array(v.string())),
    signedIdentity: v.optional(signedIdentitySchema),
  }),
]);
const requirementsSchema = v.pipe(v.array(requirementSchema), v.minLength(1, "needs at least one requirement"));

const policySchema = v.strictObject({
  default: requirementsSchema,
  // Transports of other tools say nothing about us.
  transports: v.optional(v.record(v.string(), v.unknown())),
});
const scopesSchema = v.record(v.string(), requirementsSchema);

function readKeys(
  requirement: Extract<v.InferOutput<typeof requirementSchema>, { type: "sigstoreSigned" }>,
): KeyObject[] {
  const { keyPath, keyPaths, keyData, keyDatas } = requirement;
  const given = [keyPath, keyPaths, keyData, keyDatas].filter((field) => field !== undefined);
  if (given.length !== 1) throw new Error("sigstoreSigned needs one of keyPath, keyPaths, keyData and keyDatas");
  const pems = [
    ...[...(keyPaths ?? []), ...(keyPath === undefined ? [] : [keyPath])].map((path) => readFileSync(path, "utf8")),
    ...[...(keyDatas ?? []), ...(keyData === undefined ? [] : [keyData])].map((data) =>
      Buffer.from(data, "base64").toString("utf8"),
    ),
  ];
  if (pems.length === 0) throw new Error("sigstoreSigned names no key");
  return pems.map((pem) => createPublicKey(pem));
}

function readRequirements(list: v.InferOutput<typeof requirementsSchema>): Requirement[] {
  return list.map((requirement) =>
    requirement.type === "sigstoreSigned"
      ? {
          type: "sigstoreSigned",
          keys: readKeys(requirement),
          signedIdentity: requirement.signedIdentity ?? { type: "matchRepoDigestOrExact" },
        }
      : requirement,
  );
}

function explain(issue: v.BaseIssue<unknown>): string {
  const place = issue.path?.map(({ key }) => String(key)).join(".") ?? "";
  const received = issue.type === "variant" ? ` (${issue.received} is not supported here)` : "";
  return `${place === "" ? "" : `${place}: `}${issue.message}${received}`;
}

/** Reads a policy file; throws trustPolicyInvalid with the place that is wrong. What is not understood is wrong. */
export function readTrustPolicy(path: string): TrustPolicy {
  try {
    const parsed = v.safeParse(policySchema, JSON.parse(readFileSync(path, "utf8")));
    if (!parsed.success) throw new Error(explain(parsed.issues[0]));
    const scopesOf = (transport: string): ReadonlyMap<string, Requirement[]> => {
      const scopes = v.safeParse(scopesSchema, parsed.output.transports?.[transport] ?? {});
      if (!scopes.success) throw new Error(`transports.${transport}.${explain(scopes.issues[0])}`);
      return new Map(Object.entries(scopes.output).map(([scope, list]) => [scope, readRequirements(list)]));
    };
    const fallback = readRequirements(parsed.output.default);
    return { path, fallback, names: scopesOf("docker"), nameless: scopesOf("docker-daemon").get("") ?? fallback };
  } catch (error) {
    throw errors.trustPolicyInvalid(path, errorMessage(error));
  }
}

/** Scopes of a name, the most exact first (containers-policy.json(5), "docker:"). */
function scopesOfName({ repository, tag, digest }: ImageReference): string[] {
  const scopes: string[] = [];
  if (tag !== undefined) scopes.push(`${repository}:${tag}`);
  if (digest !== undefined) scopes.push(`${repository}@${digest}`);
  for (let path = repository; path !== ""; path = path.slice(0, Math.max(0, path.lastIndexOf("/")))) scopes.push(path);
  const host = repository.slice(0, repository.indexOf("/")).replace(/:\d+$/, "");
  for (let rest = host; rest.includes(".");) {
    rest = rest.slice(rest.indexOf(".") + 1);
    scopes.push(`*.${rest}`);
  }
  return [...scopes, ""];
}

/** What a name asks for; without a name, what nameless images ask for. */
export function requirementsFor(policy: TrustPolicy, name: ImageReference | undefined): readonly Requirement[] {
  if (name === undefined) return policy.nameless;
  for (const scope of scopesOfName(name)) {
    const requirements = policy.names.get(scope);
    if (requirements !== undefined) return requirements;
  }
  return policy.fallback;
}

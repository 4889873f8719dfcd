import { readFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import * as v from "valibot";
import { errorMessage, parseGoDuration, parseRamBytes } from "#base";
import type { AccessOptions } from "./access/access.ts";
import { serverErrors } from "./errors.ts";
import type { RetentionRule } from "./garbage/retention.ts";
import type { MirrorOptions } from "./mirror/upstream.ts";
import type { S3StoreOptions } from "./storage/s3-objects.ts";

/** Everything a registry server can be told; `docs/registry-server.md` describes each. */
export type RegistryServerSettings = {
  /** Addresses: `host:port`, or `unix:///path`. */
  readonly listen: readonly string[];
  /** Everything it keeps; with S3 what is being uploaded, and its own key. */
  readonly root: string;
  readonly tls:
    | { readonly certificate: string; readonly key: string; readonly clientAuthorities: string | undefined }
    | undefined;
  readonly access: AccessOptions;
  readonly s3: S3StoreOptions | undefined;
  readonly mirrors: readonly MirrorOptions[];
  readonly retention: readonly RetentionRule[];
  /** 0 = only when asked to. */
  readonly garbageIntervalMs: number;
  readonly garbageGraceMs: number;
  readonly uploadExpiryMs: number;
  readonly maximumUploads: number;
  readonly manifestLimit: number;
  readonly readOnly: boolean;
  readonly deletes: boolean;
  readonly acceptsSparse: boolean;
};

/** Go's durations and days: "90m", "1h30m", "30d". */
function durationMs(text: string): number | undefined {
  const days = /^(\d{1,5})d$/.exec(text);
  if (days !== null) return Number(days[1]) * 86_400_000;
  const nanoseconds = parseGoDuration(text);
  return nanoseconds === undefined || nanoseconds < 0 ? undefined : nanoseconds / 1e6;
}

const duration = v.pipe(
  v.string(),
  v.check((text) => durationMs(text) !== undefined, 'a duration such as "12h" or "30d"'),
);
const bytes = v.pipe(
  v.union([v.number(), v.string()]),
  v.check((value) => (parseRamBytes(String(value)) ?? 0) > 0, 'a size such as "4m"'),
);
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const words = v.array(v.string());
const path = v.pipe(
  v.string(),
  v.check((text) => isAbsolute(text), "an absolute path"),
);

const configSchema = v.strictObject({
  listen: v.optional(words),
  root: v.optional(path),
  "tls-cert": v.optional(path),
  "tls-key": v.optional(path),
  "tls-client-ca": v.optional(path),
  htpasswd: v.optional(path),
  realm: v.optional(v.pipe(v.string(), v.regex(/^[\w .:/-]+$/, "letters, digits, spaces and .:/-"))),
  "issue-tokens": v.optional(v.boolean()),
  tokens: v.optional(v.strictObject({ realm: v.string(), service: v.string(), issuer: v.string(), keys: path })),
  rules: v.optional(
    v.array(
      v.strictObject({
        users: words,
        repositories: words,
        actions: v.array(v.picklist(["pull", "push", "delete"])),
      }),
    ),
  ),
  s3: v.optional(
    v.strictObject({
      bucket: v.string(),
      endpoint: v.optional(v.string()),
      region: v.optional(v.string()),
      prefix: v.optional(v.string()),
      "access-key-id": v.optional(v.string()),
      "secret-access-key": v.optional(v.string()),
      redirect: v.optional(v.boolean()),
    }),
  ),
  mirrors: v.optional(
    v.array(
      v.strictObject({
        upstream: v.string(),
        prefix: v.optional(v.string()),
        username: v.optional(v.string()),
        password: v.optional(v.string()),
        insecure: v.optional(v.boolean()),
        revalidate: v.optional(duration),
      }),
    ),
  ),
  retention: v.optional(
    v.array(
      v.strictObject({
        repositories: words,
        tags: v.optional(v.string()),
        except: v.optional(words),
        "keep-newest": v.optional(count),
        "older-than": v.optional(duration),
        "untagged-after": v.optional(duration),
      }),
    ),
  ),
  "gc-interval": v.optional(duration),
  "gc-grace": v.optional(duration),
  "upload-expiry": v.optional(duration),
  "max-uploads": v.optional(count),
  "max-manifest-size": v.optional(bytes),
  "read-only": v.optional(v.boolean()),
  "no-delete": v.optional(v.boolean()),
  "accept-sparse": v.optional(v.boolean()),
});

/** The configuration file's form; what flags say is written in the same form. */
export type RegistryServerConfig = v.InferOutput<typeof configSchema>;

/** Reads a configuration file; throws servedConfigInvalid with the place that is wrong. */
export function readServerConfig(file: string): RegistryServerConfig {
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw serverErrors.servedConfigInvalid(file, errorMessage(error));
  }
  return parseServerConfig(document, file);
}

/** Checks a configuration that is an object already, as in the daemon's own file. */
export function parseServerConfig(document: unknown, file: string): RegistryServerConfig {
  const result = v.safeParse(configSchema, document);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const place = issue.path?.map(({ key }) => String(key)).join(".") ?? "";
  throw serverErrors.servedConfigInvalid(
    file,
    issue.type === "strict_object" ? `unknown option ${place}` : `${place}: ${issue.message}`,
  );
}

const ms = (text: string | undefined, fallback: number) => (text === undefined ? fallback : (durationMs(text) ?? 0));

/** `hub/=docker.io` or `docker.io`, as on the command line. */
export function parseMirrorFlag(text: string): NonNullable<RegistryServerConfig["mirrors"]>[number] {
  const at = text.indexOf("=");
  return { upstream: text.slice(at + 1), prefix: at < 0 ? "" : text.slice(0, at) };
}

function mirrorOf(mirror: NonNullable<RegistryServerConfig["mirrors"]>[number]): MirrorOptions {
  const insecure = mirror.insecure ?? mirror.upstream.startsWith("http://");
  const upstream = mirror.upstream.replace(/^https?:\/\//, "").replace(/\/$/, "");
  const prefix = mirror.prefix === undefined || mirror.prefix === "" ? "" : `${mirror.prefix.replace(/\/$/, "")}/`;
  if (!/^[\w.-]+(?::\d{1,5})?$/.test(upstream)) {
    throw serverErrors.servedFlagInvalid("mirror", mirror.upstream, "[PREFIX=]HOST[:PORT]");
  }
  return {
    upstream,
    prefix,
    username: mirror.username,
    password: mirror.password,
    insecure,
    revalidateMs: ms(mirror.revalidate, 5 * 60_000),
  };
}

/** Fills in what a configuration leaves out. */
export function completeServerConfig(config: RegistryServerConfig): RegistryServerSettings {
  const certificate = config["tls-cert"];
  const key = config["tls-key"];
  if ((certificate === undefined) !== (key === undefined)) {
    throw serverErrors.servedFlagInvalid("tls-cert", certificate ?? "", "it and --tls-key go together");
  }
  if (config["tls-client-ca"] !== undefined && certificate === undefined) {
    throw serverErrors.servedFlagInvalid("tls-client-ca", config["tls-client-ca"], "it needs --tls-cert and --tls-key");
  }
  if (config["issue-tokens"] === true && config.htpasswd === undefined) {
    throw serverErrors.servedFlagInvalid("issue-tokens", "true", "it needs --htpasswd");
  }
  if (config["issue-tokens"] === true && config.tokens !== undefined) {
    throw serverErrors.servedFlagInvalid("issue-tokens", "true", "tokens come from another server (tokens)");
  }
  if (config.rules !== undefined && config.htpasswd === undefined) {
    throw serverErrors.servedFlagInvalid("htpasswd", "", "rules need users");
  }
  return {
    listen: config.listen ?? ["127.0.0.1:5000"],
    root: config.root ?? "/var/lib/berth-registry",
    tls:
      certificate === undefined || key === undefined
        ? undefined
        : { certificate, key, clientAuthorities: config["tls-client-ca"] },
    access: {
      htpasswd: config.htpasswd,
      issueTokens: config["issue-tokens"],
      tokens: config.tokens,
      rules: config.rules,
      realm: config.realm,
    },
    s3:
      config.s3 === undefined
        ? undefined
        : {
            bucket: config.s3.bucket,
            endpoint: config.s3.endpoint,
            region: config.s3.region,
            accessKeyId: config.s3["access-key-id"],
            secretAccessKey: config.s3["secret-access-key"],
            prefix:
              config.s3.prefix === undefined || config.s3.prefix === ""
                ? ""
                : `${config.s3.prefix.replace(/\/$/, "")}/`,
            redirect: config.s3.redirect ?? false,
          },
    mirrors: (config.mirrors ?? []).map(mirrorOf),
    retention: (config.retention ?? []).map((rule) => ({
      repositories: rule.repositories,
      tags: rule.tags,
      except: rule.except,
      keepNewest: rule["keep-newest"],
      olderThanMs: rule["older-than"] === undefined ? undefined : durationMs(rule["older-than"]),
      untaggedAfterMs: rule["untagged-after"] === undefined ? undefined : durationMs(rule["untagged-after"]),
    })),
    garbageIntervalMs: ms(config["gc-interval"], 3_600_000),
    garbageGraceMs: ms(config["gc-grace"], 24 * 3_600_000),
    uploadExpiryMs: ms(config["upload-expiry"], 24 * 3_600_000),
    maximumUploads: config["max-uploads"] ?? 1000,
    manifestLimit: parseRamBytes(String(config["max-manifest-size"] ?? "4m")) ?? 4 * 1024 * 1024,
    readOnly: config["read-only"] ?? false,
    deletes: config["no-delete"] !== true,
    acceptsSparse: config["accept-sparse"] ?? false,
  };
}

import { readFileSync } from "node:fs";
import { parseGoDuration } from "#base";
import type { CacheLocation } from "../../contract.ts";
import type { CachePlace } from "./places.ts";

type CloudLocation = CacheLocation & { readonly type: "s3" | "azblob" | "gha" };
type Direction = Readonly<Record<"import" | "export", readonly string[]>>;

const objects = ["name", "prefix", "blobs_prefix", "manifests_prefix"];
const bucket = ["bucket", "region", "endpoint_url", "use_path_style"].concat(
  ["access_key_id", "secret_access_key", "session_token"],
  objects,
);
const container = ["account_url", "secret_access_key", "container", ...objects];
const actions = ["url", "url_v2", "token", "scope", "timeout", "version"];

/** What may be said of caches in clouds, in BuildKit's words. */
export const cloudAttributes: Readonly<Record<CloudLocation["type"], Direction>> = {
  s3: { import: bucket, export: [...bucket, "touch_refresh"] },
  azblob: { import: container, export: container },
  gha: { import: actions, export: actions },
};

const needed = {
  s3: ["bucket", "region"],
  azblob: ["name", "account_url"],
  gha: ["url_v2", "token"],
} as const;

/** Whether a cache is kept by a service of which `openCloudPlace` knows. */
export function isCloudLocation(location: CacheLocation): location is CloudLocation {
  return location.type === "s3" || location.type === "azblob" || location.type === "gha";
}

/** Throws what `fail` makes of an attribute that is missing or has no meaning. */
export function checkCloudLocation({ type, attributes }: CloudLocation, fail: (reason: string) => Error): void {
  for (const name of needed[type]) {
    if ((attributes[name] ?? "") === "") throw fail(`type=${type} needs ${name}`);
  }
  for (const name of ["endpoint_url", "account_url", "url_v2"]) {
    const value = attributes[name];
    if (value === undefined || value === "") continue;
    if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) throw fail(`${name} is no HTTP address`);
  }
  for (const name of ["touch_refresh", "timeout"]) {
    const value = attributes[name];
    if (value !== undefined && (parseGoDuration(value) ?? -1) < 0) throw fail(`${name}=${value} is no duration`);
  }
  const style = attributes["use_path_style"];
  if (style !== undefined && !/^(?:true|false|1|0)$/.test(style)) {
    throw fail(`use_path_style=${style} is neither true nor false`);
  }
  if (attributes["version"] !== undefined && attributes["version"] !== "2") {
    throw fail(`version=${attributes["version"]}: GitHub's cache service has but version 2`);
  }
  const key = attributes["secret_access_key"];
  if (type === "azblob" && (key ?? "") === "" && !/[?&]sig=/.test(attributes["account_url"] ?? "")) {
    throw fail("type=azblob needs secret_access_key, or a shared access signature in account_url");
  }
}

/** Opens the place; what speaks to it is loaded now. */
export async function openCloudPlace(
  { type, attributes }: CloudLocation,
  caBundle: string | undefined,
): Promise<CachePlace> {
  const text = (name: string) => (attributes[name] === "" ? undefined : attributes[name]);
  const milliseconds = (name: string, otherwise: string) =>
    (parseGoDuration(attributes[name] ?? otherwise) ?? 0) / 1_000_000;
  const ca = caBundle === undefined ? undefined : readFileSync(caBundle, "utf8");
  const prefix = attributes["prefix"] ?? "";
  const names = (text("name") ?? "buildkit").split(";").filter((name) => name !== "");
  const places = {
    names,
    blobsPrefix: `${prefix}${attributes["blobs_prefix"] ?? "blobs/"}`,
    manifestsPrefix: `${prefix}${attributes["manifests_prefix"] ?? "manifests/"}`,
  };
  if (type === "s3") {
    const { s3Place } = await import("./s3-place.ts");
    return s3Place({
      ...places,
      bucket: attributes["bucket"] ?? "",
      region: text("region"),
      endpoint: text("endpoint_url"),
      usePathStyle: /^(?:true|1)$/.test(attributes["use_path_style"] ?? ""),
      refreshMs: milliseconds("touch_refresh", "24h"),
      accessKeyId: text("access_key_id"),
      secretAccessKey: text("secret_access_key"),
      sessionToken: text("session_token"),
    });
  }
  if (type === "azblob") {
    const { azurePlace } = await import("./azure-place.ts");
    return azurePlace({
      ...places,
      accountUrl: attributes["account_url"] ?? "",
      accountKey: text("secret_access_key"),
      container: text("container") ?? "buildkit-cache",
      ca,
    });
  }
  const { actionsPlace } = await import("./actions-place.ts");
  return actionsPlace({
    url: attributes["url_v2"] ?? "",
    token: attributes["token"] ?? "",
    scope: text("scope") ?? "buildkit",
    timeoutMs: milliseconds("timeout", "10m"),
    ca,
  });
}

import * as v from "valibot";
import { isDigest } from "#base";
import { containerConfigSchema, type ImageConfig } from "#formats";
import { errors } from "../errors.ts";

/** Largest config we read; Docker's configs are a few kilobytes. */
export const CONFIG_LIMIT = 8 * 1024 * 1024;

/** Overlay takes no more lower directories (fs/overlayfs/params.c: OVL_MAX_STACK), and nobody should. */
const MOST_LAYERS = 500;

const text = v.nullish(v.string());

const schema = v.object({
  architecture: v.nullish(v.string(), ""),
  os: v.nullish(v.string(), "linux"),
  variant: text,
  "os.version": text,
  created: text,
  author: text,
  config: v.nullish(containerConfigSchema),
  rootfs: v.object({
    type: v.literal("layers"),
    diff_ids: v.pipe(
      v.nullish(v.array(v.string()), []),
      v.check((list) => list.length <= MOST_LAYERS, `more than ${MOST_LAYERS} layers`),
      v.check((list) => list.every((digest) => isDigest(digest)), "malformed layer digest"),
    ),
  }),
  history: v.nullish(
    v.array(
      v.object({
        created: text,
        created_by: text,
        author: text,
        comment: text,
        empty_layer: v.nullish(v.boolean()),
      }),
    ),
  ),
  container: text,
  container_config: v.nullish(containerConfigSchema),
  docker_version: text,
});

function withoutNulls<T>(value: T): T {
  if (Array.isArray(value)) return value.map((item: unknown) => withoutNulls(item)) as T;
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
      inner === null || inner === undefined ? [] : [[key, withoutNulls(inner)]],
    ),
  ) as T;
}

/** Parses an image's config from its bytes. Everything in it comes from strangers: what does not fit is refused. */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  if (bytes.byteLength > CONFIG_LIMIT) throw errors.imageConfigInvalid(`it has more than ${CONFIG_LIMIT} bytes`);
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  } catch {
    throw errors.imageConfigInvalid("it is not JSON");
  }
  const result = v.safeParse(schema, document);
  if (result.success) return withoutNulls(result.output) as ImageConfig;
  const [issue] = result.issues;
  throw errors.imageConfigInvalid(`${v.getDotPath(issue) ?? "document"}: ${issue.message}`);
}

/** The architecture of this machine in OCI's spelling. */
export function hostArchitecture(): "amd64" | "arm64" {
  return process.arch === "arm64" ? "arm64" : "amd64";
}

import type { S3File, S3Options } from "bun";
import { rm } from "node:fs/promises";
import { delay } from "#base";
import type { ObjectStore } from "./object-store.ts";

/** A bucket of any S3-compatible service. Keys left out come from the environment (AWS_ACCESS_KEY_ID, …). */
export type S3StoreOptions = {
  readonly bucket: string;
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  /** Put before every key: "registry/". */
  readonly prefix: string;
  /** Clients fetch blobs from the bucket themselves, by signed addresses that hold for some minutes. */
  readonly redirect: boolean;
};

const LINK_SECONDS = 20 * 60;
const ATTEMPTS = 4;

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? "";
}

function isMissing(error: unknown): boolean {
  return ["NoSuchKey", "NotFound", "ENOENT"].includes(codeOf(error));
}

/** What another try cannot change: the bucket, the keys, the request. */
function isFinal(error: unknown): boolean {
  return /^(?:AccessDenied|NoSuchBucket|InvalidAccessKeyId|SignatureDoesNotMatch|ERR_S3_(?:MISSING|INVALID))/.test(
    codeOf(error),
  );
}

async function withRetries<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= ATTEMPTS || isMissing(error) || isFinal(error)) throw error;
      await delay(100 * 2 ** attempt);
    }
  }
}

/**
 * Objects in a bucket, by the runtime's own S3 client. A PUT, and the end of a multipart upload, are atomic there; a file
 * is verified before it is sent, so that the bucket never holds a wrong blob.
 */
export function openS3Objects(options: S3StoreOptions): ObjectStore {
  const settings: S3Options = {
    bucket: options.bucket,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(options.accessKeyId === undefined ? {} : { accessKeyId: options.accessKeyId }),
    ...(options.secretAccessKey === undefined ? {} : { secretAccessKey: options.secretAccessKey }),
    retry: ATTEMPTS,
  };
  const client = new Bun.S3Client(settings);
  const file = (key: string): S3File => client.file(`${options.prefix}${key}`);

  const find: ObjectStore["find"] = async (key) => {
    try {
      const { size, lastModified } = await withRetries(() => file(key).stat());
      return { sizeBytes: size, modifiedMs: new Date(lastModified).getTime() };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  };

  const remove = async (key: string): Promise<void> => {
    await withRetries(() => file(key).delete()).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  };

  return {
    find,
    read: async (key) => {
      try {
        return await withRetries(() => file(key).bytes());
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    body: async (key, range) => {
      const object = file(key);
      return range === undefined ? object.stream() : object.slice(range.start, range.end + 1).stream();
    },
    write: async (key, bytes) => {
      await withRetries(() => file(key).write(bytes));
    },
    adopt: async (key, path) => {
      const local = Bun.file(path);
      // Content-addressed: what is there under this name, as long, is it.
      const known = key.startsWith("blobs/") ? await find(key) : undefined;
      if (known?.sizeBytes !== local.size) {
        await withRetries(async () => {
          if (local.size === 0) await file(key).write(new Uint8Array());
          else await client.write(`${options.prefix}${key}`, local, { partSize: 16 * 1024 * 1024, queueSize: 3 });
        });
      }
      await rm(path, { force: true });
    },
    delete: remove,
    discard: remove,
    list: async function* (prefix) {
      let startAfter: string | undefined;
      for (;;) {
        const from = startAfter;
        const page = await withRetries(() =>
          client.list({
            prefix: `${options.prefix}${prefix}`,
            maxKeys: 1000,
            ...(from === undefined ? {} : { startAfter: from }),
          }),
        );
        const contents = page.contents ?? [];
        for (const { key } of contents) yield key.slice(options.prefix.length);
        startAfter = contents.at(-1)?.key;
        if (page.isTruncated !== true || startAfter === undefined) return;
      }
    },
    ...(options.redirect ? { link: (key: string) => file(key).presign({ expiresIn: LINK_SECONDS }) } : {}),
  };
}

import { isIP } from "node:net";
import { type Digest, delay, digestOf, errorMessage } from "#base";
import { cacheConfigType } from "./cache-config.ts";
import { readBounded } from "./block-blobs.ts";
import { type CachePlace, documentLimit } from "./places.ts";

/** A bucket as `type=s3` names it. */
export type S3PlaceOptions = {
  readonly bucket: string;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly usePathStyle: boolean;
  /** Names of the cache: an export writes all, an import reads the first. */
  readonly names: readonly string[];
  readonly blobsPrefix: string;
  readonly manifestsPrefix: string;
  /** A blob that is older is sent again, so that rules of the bucket that remove what is old spare it. */
  readonly refreshMs: number;
  readonly accessKeyId: string | undefined;
  readonly secretAccessKey: string | undefined;
  readonly sessionToken: string | undefined;
};

const attempts = 4;
const partBytes = 8 * 1024 * 1024;

/** A bucket of any S3-compatible service, with the names of BuildKit's: blobs by digest, the config under the cache's name. */
export function s3Place(options: S3PlaceOptions): CachePlace {
  const { bucket, region, accessKeyId, secretAccessKey, sessionToken } = options;
  const endpoint = endpointOf(options);
  const client = new Bun.S3Client({
    bucket,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(accessKeyId === undefined ? {} : { accessKeyId }),
    ...(secretAccessKey === undefined ? {} : { secretAccessKey }),
    ...(sessionToken === undefined ? {} : { sessionToken }),
    virtualHostedStyle: !options.usePathStyle,
    retry: attempts,
  });
  const [first = ""] = options.names;
  const name = `s3://${bucket}/${first}`;
  const blobKey = (digest: Digest) => `${options.blobsPrefix}${digest}`;
  const find = async (key: string) => {
    try {
      const { lastModified } = await again(name, () => client.file(key).stat());
      return { modifiedMs: new Date(lastModified).getTime() };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  };
  return {
    name,
    keepsDocuments: true,
    manifest: async () => {
      const key = `${options.manifestsPrefix}${first}`;
      if ((await find(key)) === undefined) return undefined;
      const text = await readBounded(name, client.file(key).stream(), documentLimit);
      return { mediaType: cacheConfigType, text };
    },
    blob: async function* (digest) {
      for await (const chunk of client.file(blobKey(digest)).stream()) yield chunk;
    },
    putBlob: async (blob, signal) => {
      const key = blobKey(blob.digest);
      const known = await find(key);
      if (known !== undefined && Date.now() - known.modifiedMs < options.refreshMs) return false;
      await again(name, async () => {
        const file = client.file(key);
        if (blob.sizeBytes <= partBytes) {
          await file.write(Buffer.concat(await Array.fromAsync(blob.open())));
          return;
        }
        const writer = file.writer({ partSize: partBytes, queueSize: 2, retry: attempts });
        try {
          for await (const chunk of blob.open()) {
            signal.throwIfAborted();
            // The runtime may keep what it is given until the part is sent.
            await writer.write(Uint8Array.from(chunk));
            await writer.flush();
          }
          await writer.end();
        } catch (error) {
          await Promise.resolve(writer.end(error instanceof Error ? error : new Error(String(error)))).catch(() => {
            // The first failure is the one that is told.
          });
          throw error;
        }
      });
      return true;
    },
    putManifest: async ({ text }) => {
      for (const each of options.names) {
        await again(name, () => client.file(`${options.manifestsPrefix}${each}`).write(text));
      }
      return digestOf(text);
    },
  };
}

/** With virtual hosts the bucket is part of the host's name, except where the host is an address. */
function endpointOf({ endpoint, bucket, usePathStyle }: S3PlaceOptions): string | undefined {
  if (endpoint === undefined || usePathStyle) return endpoint;
  const url = new URL(endpoint);
  if (isIP(url.hostname.replace(/^\[|\]$/g, "")) !== 0) return endpoint;
  url.hostname = `${bucket}.${url.hostname}`;
  return url.href.replace(/\/$/, "");
}

function codeOf(error: unknown): string {
  return (error as { readonly code?: string }).code ?? "";
}

function isMissing(error: unknown): boolean {
  return ["NoSuchKey", "NotFound", "ENOENT"].includes(codeOf(error));
}

/** Tries again what a busy service refused; keys and buckets that are wrong stay so. */
async function again<T>(name: string, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (isMissing(error)) throw error;
      const isFinal =
        /^(?:AccessDenied|NoSuchBucket|InvalidAccessKeyId|SignatureDoesNotMatch|ERR_S3_(?:MISSING|INVALID))/;
      if (attempt >= attempts || isFinal.test(codeOf(error)) || (error as Error).name === "AbortError") {
        throw new Error(`${name}: ${codeOf(error)} ${errorMessage(error)}`, { cause: error });
      }
      await delay(100 * 2 ** attempt);
    }
  }
}

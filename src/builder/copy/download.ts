import { createHash } from "node:crypto";
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, rmSync, utimesSync, writeSync } from "node:fs";
import { isIP } from "node:net";
import { posix, join } from "node:path";
import { Readable } from "node:stream";
import { errorMessage } from "#base";
import { toByteString } from "#linux";
import { openDirectoryTree } from "../context/directory-tree.ts";
import type { SourceTree } from "../context/tree.ts";
import { errors } from "../errors.ts";

/** Where Debian and most others keep the certificates the host trusts. */
const hostBundle = "/etc/ssl/certs/ca-certificates.crt";
const maximumRedirects = 10;

/** What a server says of a file, to tell whether it is still the same. */
export type Validator = { readonly etag: string | undefined; readonly modified: string | undefined };

/** A downloaded file as a tree of one. */
export type Download = {
  readonly tree: SourceTree;
  /** Its name in the tree, a byte string. */
  readonly name: string;
  readonly validator: Validator;
  /** Removes it. */
  close(): void;
};

/**
 * Fetches a source of ADD into a directory of its own. The name comes from the URL, or from Content-Disposition;
 * redirects stay with HTTP(S), and addresses that only the host can reach (link-local, where clouds keep credentials)
 * are refused.
 */
export async function download(
  url: string,
  options: {
    readonly directory: string;
    readonly destinationIsFolder: boolean;
    readonly checksum: string | undefined;
    /** Whether a file for a folder must get a name from the URL or the server; BuildKit calls it __unnamed__. @default true */
    readonly needsName?: boolean | undefined;
    /** @default the host's bundle */
    readonly caBundle?: string | undefined;
    readonly signal: AbortSignal;
    readonly progress: (line: string) => void;
    /** The Authorization header for the URL's own host. */
    readonly authorization?: string | undefined;
  },
): Promise<Download> {
  const failed = (reason: string) => errors["build-download-failed"](withoutCredentials(url), reason);
  const response = await request(url, options, failed);
  const named = fileNameOf(new URL(url), response);
  if (named === undefined && options.destinationIsFolder && options.needsName !== false) {
    throw failed("cannot determine filename for source; end the destination with a file name");
  }
  const name = named ?? "__unnamed__";
  mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  try {
    const path = join(options.directory, name);
    const hash = createHash("sha256");
    const fd = openSync(path, "wx", 0o600);
    try {
      for await (const chunk of response.body ?? []) {
        hash.update(chunk);
        for (let written = 0; written < chunk.length;) written += writeSync(fd, chunk, written);
      }
    } finally {
      closeSync(fd);
    }
    const digest = `sha256:${hash.digest("hex")}`;
    if (options.checksum !== undefined && digest !== options.checksum) {
      throw failed(`digest mismatch: expected ${options.checksum}, got ${digest}`);
    }
    chmodSync(path, 0o600);
    const modified = Date.parse(response.headers.get("last-modified") ?? "");
    const stamp = Number.isNaN(modified) ? 0 : modified / 1000;
    utimesSync(path, stamp, stamp);
    options.progress("\n");
    const tree = openDirectoryTree(options.directory);
    return {
      tree,
      name: toByteString(name),
      validator: validatorOf(response),
      close: () => {
        tree.close();
        rmSync(options.directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(options.directory, { recursive: true, force: true });
    throw error;
  }
}

/**
 * What is at an address, as it comes, under the same rules as `download`. Throws what `failed` makes of the reason.
 * `sizeBytes` is what the server says; undefined when it does not.
 */
export async function openDownload(
  url: string,
  signal: AbortSignal,
  failed: (reason: string) => Error,
): Promise<{ readonly body: AsyncIterable<Uint8Array>; readonly sizeBytes: number | undefined }> {
  const response = await request(url, { signal }, failed);
  const length = response.headers.get("content-length");
  return { body: response.body ?? Readable.from([]), sizeBytes: length === null ? undefined : Number(length) };
}

function validatorOf(response: Response): Validator {
  const etag = response.headers.get("etag") ?? undefined;
  return { etag, modified: response.headers.get("last-modified") ?? undefined };
}

/**
 * Asks whether a file is still what a server once called so; false when the server cannot tell. Nothing is fetched.
 */
export async function isStillValid(
  url: string,
  validator: Validator,
  options: Pick<Parameters<typeof download>[1], "caBundle" | "signal" | "authorization">,
): Promise<boolean> {
  if (validator.etag === undefined) return false;
  try {
    const response = await request(url, { ...options, method: "HEAD" }, (reason) => new Error(reason));
    return response.headers.get("etag") === validator.etag;
  } catch {
    options.signal.throwIfAborted();
    return false; // Then it is fetched, and that says what is wrong.
  }
}

async function request(
  url: string,
  options: {
    readonly caBundle?: string | undefined;
    readonly signal: AbortSignal;
    readonly authorization?: string | undefined;
    readonly method?: "GET" | "HEAD";
  },
  failed: (reason: string) => Error,
): Promise<Response> {
  const { signal, caBundle = hostBundle, authorization } = options;
  let current = url;
  for (let redirects = 0; redirects <= maximumRedirects; redirects++) {
    const target = parseUrl(current);
    if (target === undefined) throw failed(`${JSON.stringify(withoutCredentials(current))} is no http or https URL`);
    const host = target.hostname.replace(/^\[|\]$/g, "").toLowerCase();
    if (isIP(host) !== 0 && /^(?:169\.254\.|fe[89ab][0-9a-f]:|::ffff:169\.254\.|::ffff:a9fe:)/.test(host)) {
      throw failed(`${host} is a link-local address`);
    }
    let response: Response;
    try {
      response = await fetch(target, {
        method: options.method ?? "GET",
        redirect: "manual",
        signal,
        // The file as it is stored, not as some server compresses it on the way.
        headers: {
          "accept-encoding": "identity",
          "user-agent": "berth",
          // A redirect to another host gets no credentials.
          ...(authorization !== undefined && target.host === URL.parse(url)?.host ? { authorization } : {}),
        },
        decompress: false,
        ...(existsSync(caBundle) ? { tls: { ca: Bun.file(caBundle) } } : {}),
      });
    } catch (error) {
      if (signal.aborted) throw error;
      throw failed(errorMessage(error));
    }
    const location = response.headers.get("location");
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      current = new URL(location, target).href;
      continue;
    }
    if (!response.ok) {
      await response.body?.cancel();
      throw failed(`${withoutCredentials(current)} with status ${response.status} ${response.statusText}`);
    }
    return response;
  }
  throw failed(`stopped after ${maximumRedirects} redirects`);
}

function parseUrl(text: string): URL | undefined {
  const url = URL.parse(text) ?? undefined;
  return url?.protocol === "http:" || url?.protocol === "https:" ? url : undefined;
}

/** A URL fit for messages: no user, no password, no query. */
function withoutCredentials(text: string): string {
  const url = URL.parse(text);
  if (url === null) return text;
  url.username = "";
  url.password = "";
  url.search = "";
  return url.href;
}

function fileNameOf(url: URL, response: Response): string | undefined {
  const fromPath = url.pathname.endsWith("/") ? "" : posix.basename(decoded(url.pathname));
  const disposition = /filename="?([^";]+)"?/i.exec(response.headers.get("content-disposition") ?? "")?.[1];
  for (const candidate of [fromPath, posix.basename(disposition ?? "")]) {
    if (candidate !== "" && candidate !== "." && candidate !== ".." && !/[\0/]/.test(candidate)) return candidate;
  }
  return undefined;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // Not percent-encoding: the name as it stands.
  }
}

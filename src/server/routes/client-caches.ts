import type { ServerResponse } from "node:http";
import { type BuildContext, type CacheDirectory, layoutOfTree, openTree } from "#builder";
import { encodeTarHeader, plainTarHeader, tarEnd, tarPaddingOf } from "#wire";
import { serverErrors } from "../errors.ts";
import { isGone, openStream, pump } from "../http/stream-reply.ts";

/** What the caches of one build, in directories of its client, take from its request. */
export type ClientCacheParts = {
  /** The directories that are the client's, as the request names them. */
  readonly directories: readonly string[];
  /** The number of the first directory among the build's outputs. */
  readonly firstOutput: number;
  /** The files of a directory that the client has; undefined when it has nothing there. */
  readonly files: (path: string) => BuildContext | undefined;
  /** Waits for the client to take an output. */
  readonly output: (number: number, signal: AbortSignal) => Promise<ServerResponse>;
};

/** Caches in directories of a client: read from an archive it sends, written as an archive it takes. */
export type ClientCaches = {
  /** Undefined for a directory that is not the client's. */
  find(path: string, spool: string): CacheDirectory | undefined;
  close(): void;
};

/** Makes them for one build. */
export function clientCaches(parts: ClientCacheParts): ClientCaches {
  const closers: (() => void)[] = [];
  return {
    find: (path, spool) => {
      const index = parts.directories.indexOf(path);
      if (index === -1) return undefined;
      const files = parts.files(path);
      const layout = layoutOfTree((signal) => {
        if (files === undefined) throw serverErrors["build-cache-empty"](path);
        return openTree(files, spool, signal);
      });
      closers.push(() => layout.close());
      const output = outputOf((signal) => parts.output(parts.firstOutput + index, signal));
      return { blob: (digest, signal) => layout.blob(digest, signal), ...output };
    },
    close: () => {
      for (const close of closers.splice(0)) close();
    },
  };
}

/** Blobs as members of an archive, one after the other as they come. */
function outputOf(take: (signal: AbortSignal) => Promise<ServerResponse>): Omit<CacheDirectory, "blob"> {
  const sent = new Set<string>();
  let taken: ServerResponse | undefined;
  const write = async (chunks: AsyncIterable<Uint8Array>) => {
    if (taken === undefined) return;
    await pump(taken, chunks);
    if (isGone(taken)) throw serverErrors["build-output-lost"]();
  };
  return {
    putBlob: async ({ digest, sizeBytes, open }, signal) => {
      if (sent.has(digest)) return false;
      sent.add(digest);
      if (taken === undefined) {
        taken = await take(signal);
        openStream(taken, "application/x-tar");
      }
      const path = `blobs/${digest.replace(":", "/")}`;
      await write(
        (async function* () {
          yield encodeTarHeader({ ...plainTarHeader({ path, type: "file" }), mode: 0o644, sizeBytes });
          yield* open();
          const padding = tarPaddingOf(sizeBytes);
          if (padding > 0) yield new Uint8Array(padding);
        })(),
      );
      return true;
    },
    finish: async (isWhole) => {
      const response = taken;
      if (response === undefined) return;
      // Half an archive must not look like a whole one.
      if (!isWhole) {
        response.destroy();
        return;
      }
      await write(
        (async function* () {
          yield tarEnd;
        })(),
      );
      await new Promise<void>((resolve) => response.end(resolve));
    },
  };
}

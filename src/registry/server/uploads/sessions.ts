import { createHash, type Hash, randomUUID } from "node:crypto";
import { constants, createReadStream, existsSync, mkdirSync, readFileSync } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ContentDigest, digestParts } from "../digest.ts";
import { serverErrors } from "../errors.ts";

/** A body as HTTP gives it; null when a request has none. */
export type UploadBody = ReadableStream<Uint8Array> | null;

/** Uploads under way: bytes on the local disk that are no blob yet. */
export type UploadSessions = {
  /** Begins one; the id is unguessable. */
  begin(repository: string): Promise<string>;
  /** How many bytes are there. Unknown when it belongs to another repository. */
  offsetOf(repository: string, id: string): Promise<number>;
  /**
   * Adds a chunk. What arrived before a connection broke stays, so that the client can go on behind it.
   * @param chunk.start refused when it is not where the upload stands
   */
  append(
    repository: string,
    id: string,
    chunk: { readonly body: UploadBody; readonly start?: number },
  ): Promise<number>;
  /** Checks the digest of all bytes and hands over the file; the session ends either way. */
  finish(
    repository: string,
    id: string,
    digest: ContentDigest,
    take: (path: string, sizeBytes: number) => Promise<void>,
  ): Promise<void>;
  /** Ends it and forgets the bytes. */
  cancel(repository: string, id: string): Promise<void>;
  /** Ends those nobody has touched for so long; returns how many. */
  sweep(olderThanMs: number): Promise<number>;
  /** How many are under way. */
  count(): number;
};

type Session = {
  readonly repository: string;
  readonly directory: string;
  readonly hash: Hash;
  offset: number;
  /** The request that adds bytes now. */
  writer: { readonly stop: () => void; readonly ended: Promise<void> } | undefined;
  touchedMs: number;
};

const idPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, position + done);
    done += bytesWritten;
  }
}

async function hashFile(path: string, hash: Hash, end: number): Promise<void> {
  if (end === 0) return;
  for await (const chunk of createReadStream(path, { end: end - 1, highWaterMark: 1 << 20 })) {
    hash.update(chunk as Uint8Array);
  }
}

/**
 * Sessions below a directory. They survive a restart: the bytes are hashed again when the client comes back.
 * @param options.limit more at once are refused
 */
export function openUploadSessions(directory: string, options: { readonly limit: number }): UploadSessions {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const sessions = new Map<string, Session>();
  const revivals = new Map<string, Promise<Session | undefined>>();

  const dataOf = (session: Session) => join(session.directory, "data");

  const revive = async (id: string): Promise<Session | undefined> => {
    const place = join(directory, id);
    if (!existsSync(join(place, "repository"))) return undefined;
    const hash = createHash("sha256");
    const offset = await stat(join(place, "data")).then(
      (facts) => facts.size,
      () => 0,
    );
    await hashFile(join(place, "data"), hash, offset);
    const session: Session = {
      repository: readFileSync(join(place, "repository"), "utf8"),
      directory: place,
      hash,
      offset,
      writer: undefined,
      touchedMs: Date.now(),
    };
    sessions.set(id, session);
    return session;
  };

  const get = async (repository: string, id: string): Promise<Session> => {
    if (!idPattern.test(id)) throw serverErrors.servedUploadUnknown(id.slice(0, 80));
    let session = sessions.get(id);
    if (session === undefined) {
      let revival = revivals.get(id);
      if (revival === undefined) {
        revival = revive(id).finally(() => revivals.delete(id));
        revivals.set(id, revival);
      }
      session = await revival;
    }
    if (session === undefined || session.repository !== repository) throw serverErrors.servedUploadUnknown(id);
    return session;
  };

  /** One writer at a time: who comes later takes over, as after a connection that only seems to live. */
  const takeOver = async (session: Session): Promise<void> => {
    while (session.writer !== undefined) {
      session.writer.stop();
      await session.writer.ended;
    }
  };

  const write = async (session: Session, body: ReadableStream<Uint8Array>): Promise<void> => {
    const reader = body.getReader();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    let stopped = false;
    session.writer = {
      stop: () => {
        stopped = true;
        reader.cancel().catch(() => undefined);
      },
      ended,
    };
    try {
      const handle = await open(dataOf(session), constants.O_RDWR | constants.O_CREAT, 0o600);
      try {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          await writeAll(handle, value, session.offset);
          session.hash.update(value);
          session.offset += value.byteLength;
          session.touchedMs = Date.now();
        }
      } finally {
        await handle.close();
      }
      if (stopped) throw serverErrors.servedUploadInvalid("another request took the upload over");
    } finally {
      session.writer = undefined;
      end();
    }
  };

  const drop = async (id: string, session: Session): Promise<void> => {
    sessions.delete(id);
    await rm(session.directory, { recursive: true, force: true });
  };

  return {
    begin: async (repository) => {
      if (sessions.size >= options.limit) {
        throw serverErrors.servedBusy(`${options.limit} uploads are under way, no more are accepted for now`);
      }
      const id = randomUUID();
      const place = join(directory, id);
      const session: Session = {
        repository,
        directory: place,
        hash: createHash("sha256"),
        offset: 0,
        writer: undefined,
        touchedMs: Date.now(),
      };
      sessions.set(id, session);
      try {
        await mkdir(place, { mode: 0o700 });
        await writeFile(join(place, "repository"), repository);
      } catch (error) {
        await drop(id, session);
        throw error;
      }
      return id;
    },
    offsetOf: async (repository, id) => (await get(repository, id)).offset,
    append: async (repository, id, { body, start }) => {
      const session = await get(repository, id);
      await takeOver(session);
      if (start !== undefined && start !== session.offset) {
        throw serverErrors.servedUploadOutOfOrder(`at ${start}`, session.offset);
      }
      session.touchedMs = Date.now();
      if (body !== null) await write(session, body);
      return session.offset;
    },
    finish: async (repository, id, digest, take) => {
      const session = await get(repository, id);
      await takeOver(session);
      sessions.delete(id);
      try {
        const { algorithm, hex } = digestParts(digest);
        let actual: string;
        if (algorithm === "sha256") actual = session.hash.digest("hex");
        else {
          const hash = createHash(algorithm);
          await hashFile(dataOf(session), hash, session.offset);
          actual = hash.digest("hex");
        }
        if (actual !== hex) {
          throw serverErrors.servedDigestInvalid(`the bytes have ${algorithm}:${actual}, not ${digest}`);
        }
        // The empty blob was never written to.
        if (session.offset === 0) await writeFile(dataOf(session), "");
        // A write that failed half way, as on a full disk, may have left bytes that were never counted.
        else await truncate(dataOf(session), session.offset);
        await take(dataOf(session), session.offset);
      } finally {
        await rm(session.directory, { recursive: true, force: true });
      }
    },
    cancel: async (repository, id) => {
      const session = await get(repository, id);
      await takeOver(session);
      await drop(id, session);
    },
    sweep: async (olderThanMs) => {
      const oldest = Date.now() - olderThanMs;
      let ended = 0;
      for (const id of await readdir(directory)) {
        const session = sessions.get(id);
        if (session === undefined) {
          const facts = await stat(join(directory, id, "data")).catch(() =>
            stat(join(directory, id)).catch(() => null),
          );
          if (facts === null || facts.mtimeMs > oldest || sessions.has(id) || revivals.has(id)) continue;
          await rm(join(directory, id), { recursive: true, force: true });
          ended++;
        } else if (session.writer === undefined && session.touchedMs < oldest) {
          await drop(id, session);
          ended++;
        }
      }
      return ended;
    },
    count: () => sessions.size,
  };
}

import { createWriteStream, mkdirSync, readdirSync } from "node:fs";
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import type { Client } from "#client";
import { EngineError } from "#base";
import type { BuildAnswer, SolveBuildBody } from "#formats";
import { unpackTree } from "../archive/unpack.ts";
import { cliErrors } from "../errors.ts";
import { writeBytes } from "../output/write.ts";
import { type ForwardedAgent, forwardAgent } from "./agents.ts";
import { cacheDirectories, writeCacheIndex } from "./cache-directories.ts";
import type { BuildOutput, OutputPlace } from "./outputs.ts";
import type { BuildView } from "./progress/view.ts";
import { prepareSolveContext } from "./solve-context.ts";

/** What a build is asked with, apart from its files. */
export type SolveWords = Omit<
  SolveBuildBody,
  "reference" | "context" | "dockerfile" | "dockerfileIgnore" | "locals" | "outputs" | "agents"
>;

/** How a build ended: with a result or an error of the daemon's. */
export type SolveEnd = {
  readonly reference: string;
  readonly answer: Pick<BuildAnswer, "result" | "error">;
};

/**
 * Runs a build on a Berth daemon: sends what it asks for, takes its outputs, shows what it says. Undefined when the daemon
 * is none of ours. A directory is read by the daemon itself where both mean the same one, and sent otherwise.
 */
export async function solve(
  client: Client,
  files: { readonly specifier: string; readonly file: string; readonly named: readonly string[] },
  words: SolveWords,
  outputs: readonly BuildOutput[],
  agents: readonly ForwardedAgent[],
  view: () => Promise<BuildView>,
  options: { readonly registryConfig: string; readonly signal: AbortSignal },
): Promise<SolveEnd | undefined> {
  const isNear = client.transport.endpoint.kind === "unix";
  const attempt = async (inPlace: boolean) => {
    const context = await prepareSolveContext(files.specifier, files.file, files.named, { inPlace });
    // Letters first: some tools take a name of digits for a number.
    const reference = `b${BigInt(`0x${randomBytes(15).toString("hex")}`).toString(36)}`.slice(0, 25);
    const caches = inPlace
      ? { body: {}, uploads: new Map<string, never>(), written: [] }
      : cacheDirectories(words.cacheImports ?? [], words.cacheExports ?? []);
    const body: SolveBuildBody = {
      ...words,
      ...caches.body,
      ...context.body,
      ...(inPlace ? {} : { locals: { ...context.body.locals, ...caches.body.locals } }),
      reference,
      attributes: { ...context.attributes, ...words.attributes },
      outputs: outputs.map(({ type, attributes }) => ({ type, attributes: { ...attributes } })),
      agents: agents.map(({ id }) => id),
    };
    return { reference, context, caches, answers: await client.solve.start(body, options) };
  };
  let begun: Awaited<ReturnType<typeof attempt>>;
  try {
    begun = await attempt(isNear);
  } catch (error) {
    // The directory is not the daemon's: this is a container, or the daemon is in one.
    if (!isNear || !(error instanceof EngineError) || !/client and daemon share/.test(error.message)) throw error;
    begun = await attempt(false);
  }
  const { reference, context, caches, answers } = begun;
  if (answers === undefined) return undefined;

  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  const failures: unknown[] = [];
  const noted = (work: Promise<void>) => work.catch((error: unknown) => void failures.push(error));
  const uploads = [...context.uploads, ...caches.uploads].map(([name, open]) =>
    noted(client.solve.upload(reference, name, open(), { signal })),
  );
  const taken = outputs.map(({ place }, index) =>
    place === undefined ? Promise.resolve() : noted(takeOutput(client, reference, index, place, signal)),
  );
  // A cache that could not be written has failed the build, or was told to be ignored.
  const kept = caches.written.map(({ path, number }) =>
    takeOutput(client, reference, outputs.length + number, { kind: "directory", path }, signal).then(
      () => true,
      () => false,
    ),
  );
  for (const agent of agents) void forwardAgent(client, reference, agent, signal);
  const shown = await view();
  let last: Pick<BuildAnswer, "result" | "error"> = {};
  let failed = true;
  try {
    for await (const answer of answers) {
      if (answer.result !== undefined || answer.error !== undefined) last = answer;
      else shown.take(answer);
    }
    failed = last.result === undefined;
    if (!failed) {
      await Promise.all(taken);
      const isKept = await Promise.all(kept);
      for (const [index, { path, tag }] of caches.written.entries()) {
        const descriptor = last.result?.exported[`cache.manifest:${path}`];
        if (isKept[index] === true && descriptor !== undefined) writeCacheIndex(path, tag, descriptor);
      }
    }
  } finally {
    shown.finish(failed);
    ended.abort();
    await Promise.allSettled([...uploads, ...taken, ...kept]);
  }
  if (!failed && failures.length > 0) throw failures[0];
  if (last.result === undefined && last.error === undefined) {
    throw cliErrors["bad-option"]("the daemon ended the build without a word; its log says why");
  }
  return { reference, answer: last };
}

/** Waits for an output and puts it where it goes. */
async function takeOutput(
  client: Client,
  reference: string,
  index: number,
  place: NonNullable<OutputPlace>,
  signal: AbortSignal,
): Promise<void> {
  const archive = await client.solve.output(reference, index, { signal });
  if (archive === undefined) return;
  switch (place.kind) {
    case "directory":
      mkdirSync(place.path, { recursive: true });
      readdirSync(place.path);
      await unpackTree(archive, place.path, { keepOwners: process.getuid?.() === 0 });
      return;
    case "standard-output":
      for await (const chunk of archive) await writeBytes(1, chunk);
      return;
    case "file": {
      const file = createWriteStream(place.path);
      const failed = once(file, "error").then(([error]) => {
        throw error as Error;
      });
      failed.catch(() => {});
      for await (const chunk of archive) {
        if (!file.write(chunk)) await Promise.race([once(file, "drain"), failed]);
      }
      file.end();
      await Promise.race([once(file, "finish"), failed]);
    }
  }
}

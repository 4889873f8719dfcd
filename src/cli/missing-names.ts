import type { Client } from "#client";
import { printableLine } from "./output/printable.ts";
import { writeText } from "./output/write.ts";
import { suggest } from "./suggest.ts";

type Kind = "container" | "image" | "volume" | "network" | "object" | "user of a volume";

/** The daemon's sentences about what is not there, or in use. */
const sentences: readonly (readonly [RegExp, Kind])[] = [
  [/^No such container: (.+)$/, "container"],
  [/^No such image: (.+?)(?::latest)?$/, "image"],
  [/^get (.+): no such volume$/, "volume"],
  [/^network (.+) not found$/, "network"],
  [/^Error: No such object: (.+)$/, "object"],
  [/volume is in use - \[([^\]]+)\]/, "user of a volume"],
];

/** A failure that names what one request more could explain. */
export type Unexplained = { readonly kind: Kind; readonly name: string };

/** Reads a sentence of the daemon; undefined for one that needs no more words. */
export function unexplained(message: string): Unexplained | undefined {
  for (const [pattern, kind] of sentences) {
    const name = pattern.exec(message)?.[1];
    if (name !== undefined) return { kind, name };
  }
  return undefined;
}

async function containerNames(client: Client, signal: AbortSignal): Promise<string[]> {
  const containers = await client.containers.list({ all: true, signal });
  return containers.flatMap(({ Names }) => Names.map((name) => name.replace(/^\//, "")));
}

async function imageNames(client: Client, signal: AbortSignal): Promise<string[]> {
  return (await client.images.list({ signal })).flatMap(({ RepoTags }) =>
    (RepoTags ?? []).flatMap((tag) => [tag, tag.replace(/:[^:/]*$/, "")]),
  );
}

async function knownNames(client: Client, kind: Kind, signal: AbortSignal): Promise<string[]> {
  switch (kind) {
    case "container":
      return containerNames(client, signal);
    case "image":
      return imageNames(client, signal);
    case "volume":
      return ((await client.volumes.list({ signal })).Volumes ?? []).map(({ Name }) => Name);
    case "network":
      return (await client.networks.list({ signal })).map(({ Name }) => Name);
    case "object":
      return [...(await containerNames(client, signal)), ...(await imageNames(client, signal))];
    case "user of a volume":
      return [];
  }
}

/** Which containers use a volume, by name and state: the daemon says their ids alone. */
async function describeUsers(client: Client, ids: string, signal: AbortSignal): Promise<string | undefined> {
  const wanted = new Set(ids.split(/[,\s]+/));
  const users = (await client.containers.list({ all: true, signal }))
    .filter(({ Id }) => wanted.has(Id))
    .map(({ Names, Id, State }) => `${(Names[0] ?? Id.slice(0, 12)).replace(/^\//, "")} (${State})`);
  return users.length === 0 ? undefined : `It is used by ${users.join(", ")}`;
}

const limitMs = 1000;

/** Says what may have been meant, or who is in the way. Asks the daemon once for each kind; its silence is ours. */
export async function explain(client: Client, failures: readonly Unexplained[]): Promise<void> {
  const signal = AbortSignal.timeout(limitMs);
  const known = new Map<Kind, Promise<string[]>>();
  for (const { kind, name } of failures.slice(0, 20)) {
    try {
      let hint: string | undefined;
      if (kind === "user of a volume") hint = await describeUsers(client, name, signal);
      else {
        const names = known.get(kind) ?? knownNames(client, kind, signal);
        known.set(kind, names);
        const meant = suggest(name, await names);
        hint = meant === undefined ? undefined : `Did you mean "${meant}"?`;
      }
      if (hint !== undefined) writeText(2, `Hint: ${printableLine(hint)}\n`);
    } catch {
      // The failure itself has been told; this was to be a help.
      return;
    }
  }
}

import { digestOf } from "#base";
import type { BuildReasonTable } from "#db";

/** What a step's key is made of, in words: a name for each part and a short digest of it. */
export type Ingredients = ReadonlyMap<string, string>;

/** Remembers what steps were made of, and says what is different now. */
export type Reasons = {
  /**
   * Why there is no result for a step made of these.
   * @param place what stays the same when a step's inputs change: its stage and text
   */
  explain(place: string, ingredients: Ingredients): string;
  /** Notes what the step is made of now; written by `flush`. */
  remember(place: string, ingredients: Ingredients): void;
  flush(): void;
};

/** Files of one step that are remembered by name. */
const maximumParts = 1000;
const shownChanges = 3;

/** Reasons kept in the database; one for each build. */
export function createReasons(table: BuildReasonTable, now: () => number = Date.now): Reasons {
  const learnt = new Map<string, string>();
  const keyOf = (place: string) => digestOf(place);
  return {
    explain: (place, ingredients) => {
      const text = learnt.get(keyOf(place)) ?? table.find(keyOf(place));
      if (text === undefined) return "this instruction was not built here before";
      const before = new Map(JSON.parse(text) as [string, string][]);
      const changes: string[] = [];
      for (const [name, value] of ingredients) {
        const old = before.get(name);
        if (old === undefined) changes.push(`${name} is new`);
        else if (old !== value) changes.push(`${name} changed`);
      }
      for (const name of before.keys()) if (!ingredients.has(name)) changes.push(`${name} is gone`);
      if (changes.length === 0) return "nothing changed, but its result is no longer in the cache";
      // What comes from before is the reason only when nothing nearer is.
      const own = changes.filter((change) => !change.startsWith("the step before"));
      const shown = own.length === 0 ? changes : own;
      const more = shown.length > shownChanges ? ` and ${shown.length - shownChanges} more` : "";
      return shown.slice(0, shownChanges).join(", ") + more;
    },
    remember: (place, ingredients) => {
      const parts = [...ingredients].slice(0, maximumParts);
      learnt.set(keyOf(place), JSON.stringify(parts));
    },
    flush: () => {
      if (learnt.size === 0) return;
      table.save(learnt, now());
      learnt.clear();
    },
  };
}

/** A short digest of a part, as secrets may be among build arguments. */
export function shortDigest(text: string): string {
  return digestOf(text).slice("sha256:".length, "sha256:".length + 16);
}

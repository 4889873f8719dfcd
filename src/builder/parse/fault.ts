/** What is wrong in a Dockerfile and where; turned into the catalogue's error, with the file's name, by `parseDockerfile`. */
export class SyntaxFault extends Error {
  /** Physical line, from 1; undefined until the caller that knows it adds it. */
  readonly line: number | undefined;

  constructor(reason: string, line?: number) {
    super(reason);
    this.name = "SyntaxFault";
    this.line = line;
  }

  /** The same fault with a line, unless it has one already. */
  at(line: number): SyntaxFault {
    return this.line === undefined ? new SyntaxFault(this.message, line) : this;
  }
}

/**
 * The nearest of `candidates`, when it is at most two letters away (BuildKit's util/suggest): written as the word is, in
 * capitals or not. Undefined when the word is one of them, as then something else is wrong.
 */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = 3;
  for (const candidate of candidates) {
    const option = candidate.toLowerCase();
    if (option === wanted) return undefined;
    const distance = editDistance(wanted, option);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  if (best === undefined) return undefined;
  if (word === wanted) return best.toLowerCase();
  return word === word.toUpperCase() ? best.toUpperCase() : best;
}

function editDistance(left: string, right: string): number {
  if (Math.abs(left.length - right.length) > 3 || left.length > 64) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? Number.POSITIVE_INFINITY;
}

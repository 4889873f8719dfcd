/** Damerau's distance: an exchange of neighbours, the commonest slip of fingers, counts as one. */
function distance(left: string, right: string): number {
  const rows: number[][] = [Array.from({ length: right.length + 1 }, (_, index) => index)];
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= left.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= right.length; j++) {
      const substitution = at(i - 1, j - 1) + (left[i - 1] === right[j - 1] ? 0 : 1);
      let best = Math.min(substitution, at(i - 1, j) + 1, at(i, j - 1) + 1);
      if (i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]) {
        best = Math.min(best, at(i - 2, j - 2) + 1);
      }
      rows[i]?.push(best);
    }
  }
  return at(left.length, right.length);
}

/** The known word closest to a mistyped one, if any is close. */
export function suggest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = (word.length <= 3 ? 1 : 2) + 1;
  for (const candidate of known) {
    const difference = distance(word, candidate);
    if (difference < bestDistance) {
      best = candidate;
      bestDistance = difference;
    }
  }
  return best;
}

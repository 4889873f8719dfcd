import { serverErrors } from "../errors.ts";

/** More at once are refused, whatever list it is. */
const MAXIMUM = 10_000;

/** One page of a sorted list, and whether more follows. */
export type Page = { readonly entries: readonly string[]; readonly next: string | undefined };

/** Cuts the page that the query's `n` and `last` ask for (distribution spec, "Listing Tags"). */
export function cutPage(
  sorted: readonly string[],
  query: URLSearchParams,
  compare: (left: string, right: string) => number,
): Page {
  const given = query.get("n");
  const last = query.get("last");
  if (given !== null && (!/^\d{1,9}$/.test(given) || Number(given) > MAXIMUM)) {
    throw serverErrors.servedPageInvalid(given.slice(0, 40), MAXIMUM);
  }
  const limit = given === null ? MAXIMUM : Number(given);
  const behind = last === null ? sorted : sorted.filter((name) => compare(name, last) > 0);
  const entries = behind.slice(0, limit);
  return { entries, next: entries.length < behind.length ? entries.at(-1) : undefined };
}

/** The `Link` header to the next page (RFC 8288), if there is one. */
export function nextLink(path: string, page: Page, query: URLSearchParams): Record<string, string> {
  if (page.next === undefined) return {};
  const next = new URLSearchParams({ n: query.get("n") ?? String(MAXIMUM), last: page.next });
  return { link: `<${path}?${next.toString()}>; rel="next"` };
}

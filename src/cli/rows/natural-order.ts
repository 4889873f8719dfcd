const collator = new Intl.Collator("en", { numeric: true });

/** Orders names so that `web2` comes before `web10`. */
export function byNaturalOrder(left: string, right: string): number {
  return collator.compare(left, right);
}

/** Things that two requests bring together, whichever of them comes first. */
export type Meeting<T> = {
  /** Brings something; resolves to true when it was taken, to false when nobody will. */
  offer(key: string, thing: T): Promise<boolean>;
  /** Takes what was or will be brought. */
  take(key: string, signal: AbortSignal): Promise<T>;
  /** Nothing whose key begins with `prefix` is wanted any more. */
  close(prefix: string): void;
};

type Offer<T> = { readonly thing: T; readonly taken: (wasTaken: boolean) => void };

/** Makes a place where requests meet. */
export function createMeeting<T>(): Meeting<T> {
  const offers = new Map<string, Offer<T>[]>();
  const wishes = new Map<string, ((offer: Offer<T>) => void)[]>();
  const takeFrom = <Item>(lists: Map<string, Item[]>, key: string): Item | undefined => {
    const list = lists.get(key);
    const first = list?.shift();
    if (list?.length === 0) lists.delete(key);
    return first;
  };
  const add = <Item>(lists: Map<string, Item[]>, key: string, item: Item) => {
    const list = lists.get(key);
    if (list === undefined) lists.set(key, [item]);
    else list.push(item);
  };
  return {
    offer: (key, thing) =>
      new Promise((resolve) => {
        const offer: Offer<T> = { thing, taken: resolve };
        const wish = takeFrom(wishes, key);
        if (wish === undefined) add(offers, key, offer);
        else wish(offer);
      }),
    take: (key, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason as Error);
          return;
        }
        const offer = takeFrom(offers, key);
        if (offer !== undefined) {
          offer.taken(true);
          resolve(offer.thing);
          return;
        }
        const wish = (found: Offer<T>) => {
          signal.removeEventListener("abort", aborted);
          found.taken(true);
          resolve(found.thing);
        };
        const aborted = () => {
          const left = (wishes.get(key) ?? []).filter((other) => other !== wish);
          if (left.length === 0) wishes.delete(key);
          else wishes.set(key, left);
          reject(signal.reason as Error);
        };
        signal.addEventListener("abort", aborted, { once: true });
        add(wishes, key, wish);
      }),
    close: (prefix) => {
      for (const [key, list] of offers) {
        if (!key.startsWith(prefix)) continue;
        offers.delete(key);
        for (const offer of list) offer.taken(false);
      }
    },
  };
}

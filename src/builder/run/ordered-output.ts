import type { BuildEvent } from "../contract.ts";

/** Output of stages that run at once, given on in the Dockerfile's order: the first unfinished stage speaks live. */
export type OrderedOutput = {
  /** The writer of stage number `place`. */
  writer(place: number): (event: BuildEvent) => void;
  /** The stage has said everything. */
  finish(place: number): void;
  /** Gives on what the stages up to `place` have said so far, for the error that follows. */
  flushThrough(place: number): void;
};

/** @param count how many stages there are */
export function orderedOutput(count: number, emit: (event: BuildEvent) => void): OrderedOutput {
  const held: BuildEvent[][] = Array.from({ length: count }, () => []);
  const finished = new Set<number>();
  let live = 0;
  const release = (place: number) => {
    for (const event of held[place]?.splice(0) ?? []) emit(event);
  };
  return {
    writer: (place) => (event) => {
      if (place === live) emit(event);
      else held[place]?.push(event);
    },
    finish: (place) => {
      finished.add(place);
      while (finished.has(live)) {
        release(live);
        live++;
        release(live);
      }
    },
    flushThrough: (place) => {
      for (let index = live; index <= place; index++) release(index);
    },
  };
}

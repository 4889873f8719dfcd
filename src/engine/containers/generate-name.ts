import { randomInt } from "node:crypto";

const adjectives =
  "able amber ample azure bold brave breezy bright brisk buoyant calm candid cheerful clear clever crisp curious dapper daring deft eager earnest easy fair fearless fleet fond frosty gallant gentle gifted glad golden graceful grand hardy hearty honest hopeful humble jolly jovial keen kind lively loyal lucid mellow merry mighty modest neat nimble noble patient placid plucky polite proud quick quiet rapid ready robust sage serene sharp silent sleek smart snug spry stable steady stoic sturdy sunny swift tidy tranquil trusty upbeat valiant vivid warm watchful wise witty zealous".split(
    " ",
  );

/** Sailors, navigators, shipbuilders and oceanographers. */
const surnames =
  "amundsen anning baffin barents batuta bering bligh bougainville brunel cabot carson chapman cook cousteau dampier drake earle eriksson flinders franklin fulton gama gagarin grenfell hanno harrison heyerdahl hudson humboldt jemison johnson kidd krusenstern laperouse magellan maury mercator nansen nelson pinzon polo pytheas raleigh ross scoresby scott semmelweis shackleton slocum tasman tharp vancouver vespucci weddell wilkes zheng".split(
    " ",
  );

/** A name such as `brave_magellan`; from the second attempt on with a digit, as Docker's generator does. */
export function generateName(attempt: number): string {
  const name = `${adjectives[randomInt(adjectives.length)]}_${surnames[randomInt(surnames.length)]}`;
  return attempt === 0 ? name : `${name}${randomInt(10)}`;
}

/** One way a server offers to authenticate (RFC 9110, 11.6.1). Scheme and parameter names are lower-case. */
export type Challenge = { readonly scheme: string; readonly parameters: ReadonlyMap<string, string> };

/** Longer headers are no challenge. */
const LIMIT = 16 * 1024;

/** Parses `WWW-Authenticate`; what cannot be read is left out. Linear in the header's length. */
export function parseChallenges(header: string | undefined): readonly Challenge[] {
  if (header === undefined || header.length > LIMIT) return [];
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  const token = /[\w!#$%&'*+.^`|~-]+/y;
  let at = 0;
  const word = (): string | undefined => {
    token.lastIndex = at;
    const match = token.exec(header);
    if (match === null) return undefined;
    at = token.lastIndex;
    return match[0];
  };
  const skip = (set: string) => {
    while (at < header.length && set.includes(header[at] as string)) at++;
  };
  while (at < header.length) {
    skip(" \t,");
    const name = word();
    if (name === undefined) {
      at++;
      continue;
    }
    const afterName = at;
    skip(" \t");
    if (header[at] !== "=") {
      at = afterName;
      challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
      continue;
    }
    at++;
    skip(" \t");
    let value = "";
    if (header[at] === '"') {
      at++;
      while (at < header.length && header[at] !== '"') {
        if (header[at] === "\\") at++;
        value += header[at++] ?? "";
      }
      at++;
    } else {
      value = word() ?? "";
    }
    challenges.at(-1)?.parameters.set(name.toLowerCase(), value);
  }
  return challenges;
}

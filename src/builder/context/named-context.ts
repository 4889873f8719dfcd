import { canonicalName, type Platform, tryParseReference, withDefaultTag } from "#formats";
import type { BuildRequest, NamedContext } from "../contract.ts";
import { formatPlatform, parsePlatform } from "../plan/platform.ts";

/** The named context of a stage, image or `from=`: by its name, or name and platform; ":latest" may be left out. */
export function namedContext(
  request: BuildRequest,
  name: string,
  platform: Platform | undefined,
): NamedContext | undefined {
  const given = request.namedContexts;
  if (given === undefined || given.size === 0) return undefined;
  const plain = (text: string) => {
    const reference = tryParseReference(text);
    return reference === undefined ? text : canonicalName(withDefaultTag(reference));
  };
  const wanted = plain(name);
  for (const [key, context] of given) {
    const [own = "", ownPlatform] = key.split("::");
    if (own !== name && plain(own) !== wanted) continue;
    if (ownPlatform === undefined || platform === undefined) return context;
    if (formatPlatform(parsePlatform(ownPlatform)) === formatPlatform(platform)) return context;
  }
  return undefined;
}

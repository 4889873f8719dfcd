import { serverErrors } from "../errors.ts";
import type { Route } from "./route.ts";

type Compiled = {
  readonly route: Route;
  /** Literal text, or a parameter's name. */
  readonly segments: readonly (string | { readonly name: string; readonly rest: boolean })[];
};

/** Finds the route of a request; a path nobody declared is undefined, whatever the method (never 405). */
export type Router = (
  method: string,
  path: string,
) => { readonly route: Route; readonly params: Readonly<Record<string, string>> } | undefined;

const noParams: Readonly<Record<string, string>> = {};

function compile(route: Route): Compiled {
  const segments = route.path
    .slice(1)
    .split("/")
    .map((segment) => {
      const parameter = /^\{(\w+)(\.\.\.)?\}$/.exec(segment);
      return parameter === null ? segment : { name: parameter[1] ?? "", rest: parameter[2] !== undefined };
    });
  return { route, segments };
}

/** Literal segments first, then single parameters, then `{name...}`. */
function byPrecision(a: Compiled, b: Compiled): number {
  const rank = ({ segments }: Compiled) =>
    segments.map((segment) => (typeof segment === "string" ? "0" : segment.rest ? "2" : "1")).join("");
  return rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0;
}

/** Builds the lookup: a map by method and first segment, then a short list. */
export function createRouter(routes: readonly Route[]): Router {
  const table = new Map<string, Compiled[]>();
  for (const route of routes) {
    const compiled = compile(route);
    const [first] = compiled.segments;
    // Only OPTIONS has a pattern that begins with a parameter.
    const key = typeof first === "string" ? `${route.method} ${first}` : route.method;
    const list = table.get(key);
    if (list === undefined) table.set(key, [compiled]);
    else list.push(compiled);
  }
  for (const list of table.values()) list.sort(byPrecision);
  return (method, path) => {
    const parts = path.slice(1).split("/");
    const list = table.get(`${method} ${parts[0]}`) ?? table.get(method);
    if (list === undefined) return undefined;
    for (const compiled of list) {
      const params = match(compiled, parts);
      if (params !== undefined) return { route: compiled.route, params };
    }
    return undefined;
  };
}

function match({ segments }: Compiled, parts: readonly string[]): Readonly<Record<string, string>> | undefined {
  const rest = segments.findIndex((segment) => typeof segment !== "string" && segment.rest);
  if (rest === -1 ? parts.length !== segments.length : parts.length < segments.length) return undefined;
  let params: Record<string, string> | undefined;
  const surplus = parts.length - segments.length;
  for (let index = 0, at = 0; index < segments.length; index++) {
    const segment = segments[index];
    const taken = index === rest ? surplus + 1 : 1;
    if (typeof segment === "string") {
      if (parts[at] !== segment) return undefined;
    } else if (segment !== undefined) {
      const value = taken === 1 ? (parts[at] ?? "") : parts.slice(at, at + taken).join("/");
      if (value === "" && !isWholeRest(segment, parts, at)) return undefined;
      params ??= {};
      params[segment.name] = decodeSegment(value);
    }
    at += taken;
  }
  return params ?? noParams;
}

/** `DELETE /images/`: nothing where any number of segments may follow. The route says what is wrong with it, as Docker does. */
function isWholeRest(segment: { readonly rest: boolean }, parts: readonly string[], at: number): boolean {
  return segment.rest && at === parts.length - 1;
}

function decodeSegment(value: string): string {
  let decoded = value;
  if (value.includes("%")) {
    try {
      decoded = decodeURIComponent(value);
    } catch {
      throw serverErrors["malformed-request"](`invalid URL escape in "${value}"`);
    }
  }
  if (decoded.includes("\0")) throw serverErrors["malformed-request"]("the path contains a NUL byte");
  return decoded;
}

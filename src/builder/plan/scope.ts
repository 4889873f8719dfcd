import { expandWord, type Variables } from "../expand/word.ts";

/** Build arguments that need no ARG line; hidden from history and from cache keys unless one declares them. */
const proxyArguments: ReadonlySet<string> = new Set(
  ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"].flatMap((name) => [name, name.toLowerCase()]),
);

/** Values of `--build-arg`; null is a name without a value. */
export type GivenArguments = Readonly<Record<string, string | null>>;

/** The build arguments of one place in the Dockerfile: what was given, what is declared, what stands before FROM. */
export type ArgumentScope = {
  /** Declares an ARG. The default is expanded only when nothing was given for it. */
  declare(name: string, defaultValue: string | undefined, expand: (word: string) => string): string | undefined;
  /** The expanded default of a declared argument, for history; undefined without one. */
  defaultOf(name: string): string | undefined;
  /** Every argument that has a value here, by name. */
  values(): ReadonlyMap<string, string>;
  isDeclared(name: string): boolean;
  /** A scope for a stage: nothing declared yet but what it inherits; it sees this one's values as defaults. */
  child(inherited?: ArgumentScope): ArgumentScope;
  /** Names declared anywhere so far, for the warning about arguments nobody consumed. */
  readonly consumed: ReadonlySet<string>;
};

/** The scope before the first FROM. `builtIn` are TARGETPLATFORM and its kin. */
export function globalScope(given: GivenArguments, builtIn: ReadonlyMap<string, string>): ArgumentScope {
  return makeScope(given, builtIn, new Map(), new Set());
}

function makeScope(
  given: GivenArguments,
  outer: ReadonlyMap<string, string>,
  inherited: ReadonlyMap<string, string | undefined>,
  consumed: Set<string>,
): ArgumentScope {
  const declared = new Map(inherited);
  const givenValue = (name: string): string | undefined =>
    Object.hasOwn(given, name) ? (given[name] ?? undefined) : undefined;
  const valueOf = (name: string): string | undefined => givenValue(name) ?? declared.get(name) ?? outer.get(name);
  const scope: ArgumentScope = {
    consumed,
    declare: (name, defaultValue, expand) => {
      consumed.add(name);
      const value = givenValue(name) === undefined && defaultValue !== undefined ? expand(defaultValue) : undefined;
      declared.set(name, value);
      return valueOf(name);
    },
    values: () => {
      const values = new Map<string, string>();
      for (const name of [...declared.keys(), ...proxyArguments]) {
        const value = declared.has(name) ? valueOf(name) : givenValue(name);
        if (value !== undefined) values.set(name, value);
      }
      return values;
    },
    isDeclared: (name) => declared.has(name),
    defaultOf: (name) => declared.get(name),
    child: (parent) => {
      const outerValues = new Map([...outer, ...scope.values()]);
      return makeScope(given, outerValues, parent === undefined ? new Map() : declaredOf(parent), consumed);
    },
  };
  scopes.set(scope, declared);
  return scope;
}

const scopes = new WeakMap<ArgumentScope, ReadonlyMap<string, string | undefined>>();

function declaredOf(scope: ArgumentScope): ReadonlyMap<string, string | undefined> {
  return scopes.get(scope) ?? new Map();
}

/** Arguments given that neither an ARG declares nor the builder knows, in the order given. */
export function unconsumedArguments(given: GivenArguments, scope: ArgumentScope): string[] {
  return Object.keys(given).filter((name) => !scope.consumed.has(name) && !proxyArguments.has(name));
}

/** `NAME=value` entries as a map; of two with one name the first counts, as in the kernel's environment. */
export function environmentMap(environment: readonly string[]): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const entry of environment) {
    const at = entry.indexOf("=");
    const name = at === -1 ? entry : entry.slice(0, at);
    if (!map.has(name)) map.set(name, at === -1 ? "" : entry.slice(at + 1));
  }
  return map;
}

/** Build arguments that reach a RUN step's environment: those the image's own ENV does not set. */
export function runArguments(
  scope: ArgumentScope,
  environment: readonly string[],
): {
  /** All of them, for the process. */
  readonly all: readonly string[];
  /** Sorted, without undeclared proxies: what history shows and the cache key holds. */
  readonly visible: readonly string[];
} {
  const set = environmentMap(environment);
  const entries = [...scope.values()].filter(([name]) => !set.has(name));
  const visible = entries.filter(([name]) => scope.isDeclared(name) || !proxyArguments.has(name));
  const format = ([name, value]: readonly [string, string]) => `${name}=${value}`;
  return { all: entries.map(format), visible: visible.map(format).sort() };
}

/** An expander for one instruction: the image's environment first, then build arguments. */
export function expander(
  scope: ArgumentScope,
  environment: readonly string[],
  escape: string,
): {
  readonly word: (word: string) => string;
  readonly words: (word: string) => readonly string[];
  readonly variables: Variables;
} {
  const variables = new Map([...scope.values(), ...environmentMap(environment)]);
  return {
    variables,
    word: (word) => expandWord(word, variables, { escape }).text,
    words: (word) => expandWord(word, variables, { escape }).words,
  };
}

import { expandWord, type Variables } from "../expand/word.ts";

/** Build arguments that need no ARG line; hidden from history and from cache keys unless one declares them. */
const proxyArguments: ReadonlySet<string> = new Set(
  ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"].flatMap((name) => [name, name.toLowerCase()]),
);

/** Arguments that are the builder's and no variable of a step. */
const hiddenArguments: ReadonlySet<string> = new Set(["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"]);

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
  /** Notes an ENV: from here on it, and no ARG before it, gives the name its value. */
  setEnvironment(name: string): void;
  /** Arguments that override the image's ENV: in BuildKit's Dockerfiles the last writer wins. */
  readonly overriding: ReadonlySet<string>;
  /** Names declared here or in the stage this one continues, in order. */
  declaredNames(): readonly string[];
};

/** Whose scoping rules hold: with "classic", ENV wins over ARG wherever they stand. */
export type ScopeRules = "classic" | "buildkit";

/** The scope before the first FROM. `builtIn` are TARGETPLATFORM and its kin. */
export function globalScope(
  given: GivenArguments,
  builtIn: ReadonlyMap<string, string>,
  rules: ScopeRules = "classic",
): ArgumentScope {
  return makeScope(given, builtIn, new Map(), new Set(), rules);
}

function makeScope(
  given: GivenArguments,
  outer: ReadonlyMap<string, string>,
  inherited: ReadonlyMap<string, string | undefined>,
  consumed: Set<string>,
  rules: ScopeRules,
): ArgumentScope {
  const declared = new Map(inherited);
  const overriding = new Set<string>();
  const givenValue = (name: string): string | undefined =>
    Object.hasOwn(given, name) ? (given[name] ?? undefined) : undefined;
  const valueOf = (name: string): string | undefined => givenValue(name) ?? declared.get(name) ?? outer.get(name);
  const scope: ArgumentScope = {
    consumed,
    declare: (name, defaultValue, expand) => {
      consumed.add(name);
      const value = givenValue(name) === undefined && defaultValue !== undefined ? expand(defaultValue) : undefined;
      // Of BuildKit's a declaration without any value takes none away.
      const isBare = rules === "buildkit" && defaultValue === undefined && givenValue(name) === undefined;
      if (!isBare || outer.has(name) || !declared.has(name)) declared.set(name, value);
      if (rules === "buildkit" && valueOf(name) !== undefined) overriding.add(name);
      return valueOf(name);
    },
    overriding,
    setEnvironment: (name) => void overriding.delete(name),
    declaredNames: () => [...declared.keys()],
    values: () => {
      const values = new Map<string, string>();
      const names = rules === "classic" ? [...declared.keys(), ...proxyArguments] : declared.keys();
      for (const name of names) {
        const value = declared.has(name) ? valueOf(name) : givenValue(name);
        if (value !== undefined) values.set(name, value);
      }
      return values;
    },
    isDeclared: (name) => declared.has(name),
    defaultOf: (name) => declared.get(name),
    child: (parent) => {
      const outerValues = new Map([...outer, ...scope.values()]);
      return makeScope(given, outerValues, parent === undefined ? new Map() : declaredOf(parent), consumed, rules);
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

/** Build arguments that reach a RUN step's environment, and the part of the image's environment that does. */
export function runArguments(
  scope: ArgumentScope,
  environment: readonly string[],
): {
  /** The image's own, without what an argument overrides. */
  readonly kept: readonly string[];
  /** All of them, for the process. */
  readonly all: readonly string[];
  /** Sorted, without undeclared proxies: what classic history shows and the cache key holds. */
  readonly visible: readonly string[];
} {
  const set = environmentMap(environment);
  const entries = [...scope.values()].filter(
    ([name]) => (!set.has(name) || scope.overriding.has(name)) && !hiddenArguments.has(name),
  );
  const visible = entries.filter(([name]) => scope.isDeclared(name) || !proxyArguments.has(name));
  const format = ([name, value]: readonly [string, string]) => `${name}=${value}`;
  const kept = environment.filter((entry) => !scope.overriding.has(entry.split("=", 1)[0] ?? ""));
  return { kept, all: entries.map(format), visible: visible.map(format).sort() };
}

/** Proxies given with `--build-arg`, under the upper and the lower case name: for every RUN, in no key and no history. */
export function proxyEnvironment(given: GivenArguments): string[] {
  const found: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    if (value === null || !proxyArguments.has(name.toLowerCase())) continue;
    found.push(`${name.toLowerCase()}=${value}`, `${name.toUpperCase()}=${value}`);
  }
  return [...new Set(found)];
}

/** Expands the words of one instruction. */
export type WordExpander = {
  readonly word: (word: string) => string;
  readonly words: (word: string) => readonly string[];
  readonly variables: Variables;
};

/** An expander for one instruction: the image's environment first, then build arguments, unless one overrides it. */
export function expander(
  scope: ArgumentScope,
  environment: readonly string[],
  escape: string,
  onUnmatched: (names: ReadonlySet<string>) => void = () => {},
): WordExpander {
  const values = scope.values();
  const overriding = [...values].filter(([name]) => scope.overriding.has(name));
  const variables = new Map([...values, ...environmentMap(environment), ...overriding]);
  const expand = (word: string) => {
    const expansion = expandWord(word, variables, { escape });
    if (expansion.unmatched.size > 0) onUnmatched(expansion.unmatched);
    return expansion;
  };
  return { variables, word: (word) => expand(word).text, words: (word) => expand(word).words };
}

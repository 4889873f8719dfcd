/** What may be done to a repository. `catalog` is for the lists of all repositories. */
export type Action = "pull" | "push" | "delete";

/** One rule of the configuration: these users may do this to those repositories. */
export type AccessRule = {
  /** Names; `*` is every user who logged in, `anonymous` who did not. */
  readonly users: readonly string[];
  /** Patterns: `team/*` is one level, `team/**` everything below, `**` all. */
  readonly repositories: readonly string[];
  readonly actions: readonly Action[];
};

/** Who asks, and what they may. */
export type Principal = {
  readonly name: string;
  can(action: Action, repository: string): boolean;
  /** May see the names of all repositories, the page and the metrics. */
  readonly canList: boolean;
  /**
   * Of whoever comes with a token: whether another one would give this right; undefined when only its issuer knows. Without a
   * repository it is about the lists.
   */
  mayAskFor?(action: Action, repository: string | undefined): boolean | undefined;
};

/** The name of who did not log in. */
export const ANONYMOUS = "anonymous";

/** A pattern of repository names as a predicate: `*` does not cross a slash, `**` does. */
export function repositoryPattern(pattern: string): (repository: string) => boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\?]/g, String.raw`\$&`)
    .replaceAll(/\*+/g, (stars) => (stars.length === 1 ? "[^/]*" : ".*"));
  const expression = new RegExp(`^${source}$`);
  return (repository) => expression.test(repository);
}

/** Everybody may do everything: a registry without authentication. */
export const everybody: Principal = { name: ANONYMOUS, can: () => true, canList: true };

/** Turns rules into what a user may; a right is had when any rule gives it. */
export function compileRules(rules: readonly AccessRule[]): (user: string) => Principal {
  const compiled = rules.map((rule) => ({
    users: new Set(rule.users),
    patterns: rule.repositories.map(repositoryPattern),
    all: rule.repositories.includes("**"),
    actions: new Set(rule.actions),
  }));
  return (user) => {
    const mine = compiled.filter(({ users }) => users.has(user) || (user !== ANONYMOUS && users.has("*")));
    return {
      name: user,
      can: (action, repository) =>
        mine.some(({ actions, patterns }) => actions.has(action) && patterns.some((matches) => matches(repository))),
      canList: mine.some(({ all, actions }) => all && actions.has("pull")),
    };
  };
}

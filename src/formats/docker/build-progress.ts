/*
 * What a build says while it runs, as BuildKit's clients write it (`--progress=rawjson`, client/graph.go): one document
 * holds any number of changes. Times are RFC 3339 with nanoseconds; bytes are base64.
 */

/** A node of the build's graph. Sent again when something of it changes. */
export type BuildVertexDocument = {
  readonly digest: string;
  readonly inputs?: readonly string[] | undefined;
  readonly name: string;
  readonly started?: string | undefined;
  readonly completed?: string | undefined;
  readonly cached?: boolean | undefined;
  readonly error?: string | undefined;
};

/** Progress below a vertex. */
export type BuildStatusDocument = {
  readonly id: string;
  readonly vertex: string;
  readonly name?: string | undefined;
  /** 0 when unknown. */
  readonly total?: number | undefined;
  readonly current: number;
  readonly timestamp: string;
  readonly started?: string | undefined;
  readonly completed?: string | undefined;
};

/** Output of a step: 1 is its standard output, 2 its standard error. */
export type BuildLogDocument = {
  readonly vertex: string;
  readonly stream: 1 | 2;
  readonly data: string;
  readonly timestamp: string;
};

/** What a build check found. */
export type BuildWarningDocument = {
  readonly vertex: string;
  readonly level?: number | undefined;
  /** "RULE: what the rule says"; base64. */
  readonly short: string;
  readonly detail?: readonly string[] | undefined;
  readonly url?: string | undefined;
  readonly sourceInfo?: { readonly filename: string; readonly data?: string | undefined } | undefined;
  readonly range?:
    | readonly { readonly start: { readonly line: number }; readonly end: { readonly line: number } }[]
    | undefined;
};

/** One line of a build's progress. */
export type BuildProgress = {
  readonly vertexes?: readonly BuildVertexDocument[] | undefined;
  readonly statuses?: readonly BuildStatusDocument[] | undefined;
  readonly logs?: readonly BuildLogDocument[] | undefined;
  readonly warnings?: readonly BuildWarningDocument[] | undefined;
};

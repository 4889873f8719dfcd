/** Every way an operation can fail, as seen by whoever asked. Each protocol maps these in exactly one file. */
export type ErrorKind =
  | "invalid"
  | "not-found"
  | "conflict"
  | "not-modified"
  | "forbidden"
  | "unauthorized"
  | "unavailable"
  | "unsupported"
  | "exhausted"
  | "timeout"
  | "cancelled"
  | "precondition"
  | "internal";

/** What an error may carry besides its sentence. */
export type EngineErrorOptions = {
  /** What the reader can do about it; one sentence. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
};

/** The only error class of the engine: what failed (`message`), how (`kind`), which catalogue entry (`code`). */
export class EngineError extends Error {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly hint: string | undefined;

  constructor(kind: ErrorKind, code: string, message: string, options: EngineErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "EngineError";
    this.kind = kind;
    this.code = code;
    this.hint = options.hint;
  }
}

type Throwers<Catalogue> = {
  readonly [Code in keyof Catalogue]: Catalogue[Code] extends { message: (...args: infer Arguments) => string }
    ? (...args: Arguments) => EngineError
    : never;
};

/** Every code ever declared, so that a test can compare them with `docs/errors.md`. */
export const declaredErrorCodes = new Map<string, ErrorKind>();

/**
 * Declares a folder's errors (`errors.ts`): code → kind, sentence, hint. Returns one constructor per code.
 * Codes are unique over the whole program; a second declaration throws at load time.
 */
export function defineErrors<
  const Catalogue extends Record<
    string,
    { kind: ErrorKind; message: (...args: never[]) => string; hint?: (...args: never[]) => string }
  >,
>(catalogue: Catalogue): Throwers<Catalogue> {
  const throwers: Record<string, (...args: never[]) => EngineError> = {};
  for (const [code, entry] of Object.entries(catalogue)) {
    if (declaredErrorCodes.has(code)) throw new Error(`error code "${code}" is declared twice`);
    declaredErrorCodes.set(code, entry.kind);
    throwers[code] = (...args) =>
      new EngineError(entry.kind, code, entry.message(...args), { hint: entry.hint?.(...args) || undefined });
  }
  return throwers as Throwers<Catalogue>;
}

/** The text of anything thrown, for messages that quote a cause. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** True when `error` is an EngineError of `kind`. */
export function isErrorKind(error: unknown, kind: ErrorKind): error is EngineError {
  return error instanceof EngineError && error.kind === kind;
}

/** How a flag's text becomes a value. */
export type FlagKind = "boolean" | "string" | "list" | "integer" | "bytes" | "duration" | "decimal";

export type FlagOptions = {
  /** One letter. */
  readonly short?: string;
  /** What help calls the value. @default the kind */
  readonly typeName?: string;
  /** Shown in help though the value stays undefined when the flag is absent. */
  readonly shownDefault?: string;
  /** Accepted, not shown. */
  readonly hidden?: boolean;
  /** What to use instead; said when the flag is given. */
  readonly deprecated?: string;
  /** Another spelling of the flag named here. */
  readonly aliasOf?: string;
  /** Says what is wrong with a value, undefined when nothing is. */
  readonly check?: (value: string) => string | undefined;
};

export type Flag<Value = unknown> = FlagOptions & {
  readonly kind: FlagKind;
  readonly description: string;
  readonly initial: Value;
};

export type Flags = Readonly<Record<string, Flag>>;
/** The values of parsed flags by name. */
export type FlagValues<Declared extends Flags> = { readonly [Name in keyof Declared]: Declared[Name]["initial"] };

function declare<Value>(kind: FlagKind, initial: Value) {
  return (description: string, options: FlagOptions = {}): Flag<Value> => ({ kind, description, initial, ...options });
}

/** Declares flags; the value of an absent number, size or duration is undefined. */
export const flag = {
  boolean: (description: string, options: FlagOptions & { readonly default?: boolean } = {}): Flag<boolean> => ({
    kind: "boolean",
    description,
    initial: options.default ?? false,
    ...options,
  }),
  /** A switch whose absence means something else than false. */
  optionalBoolean: declare<boolean | undefined>("boolean", undefined),
  string: (description: string, options: FlagOptions & { readonly default?: string } = {}): Flag<string> => ({
    kind: "string",
    description,
    initial: options.default ?? "",
    ...options,
  }),
  /** A text whose absence means something else than "". */
  optionalString: declare<string | undefined>("string", undefined),
  list: declare<readonly string[]>("list", []),
  integer: declare<number | undefined>("integer", undefined),
  bytes: declare<number | undefined>("bytes", undefined),
  /** Nanoseconds. */
  duration: declare<number | undefined>("duration", undefined),
  /** Billionths: `--cpus 1.5` is 1500000000. */
  decimal: declare<number | undefined>("decimal", undefined),
};

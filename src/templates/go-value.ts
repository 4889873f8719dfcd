/** A value of Go's that is no plain string, number, list or map: its fields are in order and it knows its type. */
export class GoStruct {
  /** As Go's errors name it: "system.dockerInfo", "*container.State". */
  readonly typeName: string;
  readonly fields: ReadonlyMap<string, unknown>;
  /** Embedded structures print as one, and their fields are reached as if they were the outer one's. */
  get printed(): readonly unknown[] {
    return (this.#printed ??= [...this.fields.values()].filter((value) => typeof value !== "function"));
  }
  /** Fields are methods, as in docker's listings: they are called, not read. */
  readonly hasMethods: boolean;
  /** What `json` prints. */
  get json(): unknown {
    return (this.#json ??= this.#jsonOf?.() ?? Object.fromEntries(this.fields));
  }
  /** What `%v` prints, for types with a String method. */
  readonly text: string | undefined;
  #printed: readonly unknown[] | undefined;
  #json: unknown;
  readonly #jsonOf: (() => unknown) | undefined;

  constructor(
    typeName: string,
    fields: ReadonlyMap<string, unknown>,
    options: {
      readonly printed?: readonly unknown[];
      readonly hasMethods?: boolean;
      /** A function is asked when somebody wants it. */
      readonly json?: unknown;
      readonly text?: string;
    } = {},
  ) {
    this.typeName = typeName;
    this.fields = fields;
    this.#printed = options.printed;
    this.hasMethods = options.hasMethods ?? false;
    if (typeof options.json === "function") this.#jsonOf = options.json as () => unknown;
    else this.#json = options.json;
    this.text = options.text;
  }
}

/** A nil pointer, whose type its errors name. */
export class NilPointer {
  readonly typeName: string;
  constructor(typeName: string) {
    this.typeName = typeName;
  }
}

/** A nil slice is empty like any other, but JSON has null for it. */
export const nilList: readonly never[] = Object.freeze([]);
/** A nil map, likewise. */
export const nilMap: Readonly<Record<string, never>> = Object.freeze({});

/** True for what Go's templates call empty: false, 0, nil, "" and collections without elements. */
export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === 0n || value === "")
    return true;
  if (value instanceof NilPointer) return true;
  if (value instanceof GoStruct) return false;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function byName(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The keys of a map in the order Go visits them. */
export function sortedKeys(value: object): string[] {
  return Object.keys(value).sort(byName);
}

/** The name of a value's type, as errors and `%T` have it. */
export function typeNameOf(value: unknown): string {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float64";
  if (typeof value === "bigint") return "int64";
  if (typeof value === "function") return "func";
  if (value === null || value === undefined) return "<nil>";
  if (value instanceof GoStruct || value instanceof NilPointer) return value.typeName;
  if (Array.isArray(value)) return value.every((each) => typeof each === "string") ? "[]string" : "[]interface {}";
  return Object.values(value).every((each) => typeof each === "string")
    ? "map[string]string"
    : "map[string]interface {}";
}

/** Go's `%v`. A value that is not there is "<no value>" in a template and "<nil>" inside another value. */
export function formatValue(value: unknown): string {
  if (value === undefined) return "<no value>";
  if (value === null || value instanceof NilPointer) return "<nil>";
  if (typeof value === "string") return value;
  if (value instanceof GoStruct) return value.text ?? `{${value.printed.map(formatValue).join(" ")}}`;
  if (Array.isArray(value)) return `[${value.map(formatValue).join(" ")}]`;
  if (typeof value === "object") {
    const fields: Record<string, unknown> = { ...value };
    return `map[${sortedKeys(value)
      .map((key) => `${key}:${formatValue(fields[key])}`)
      .join(" ")}]`;
  }
  return `${value as number | boolean | bigint}`;
}

/**
 * JSON as Go's encoder writes it without HTML escapes: the keys of maps in order, the fields of structures as they are
 * declared.
 */
export function toJson(value: unknown): string {
  if (value === undefined || value === null || value instanceof NilPointer || value === nilList || value === nilMap)
    return "null";
  if (typeof value === "string") {
    return JSON.stringify(value).replace(
      /[\u2028\u2029\u0008\u000c]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  }
  if (typeof value === "bigint") return value.toString();
  if (value instanceof GoStruct) return value.hasMethods ? escapeHtml(toJson(value.json)) : structJson(value.json);
  if (Array.isArray(value)) return `[${value.map(toJson).join(",")}]`;
  if (typeof value === "object") return objectJson(value, sortedKeys(value));
  return JSON.stringify(value) ?? "null";
}

/** JSON as Go writes it unless told otherwise: what HTML would read is escaped. */
export function escapeHtml(json: string): string {
  return json.replace(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}

function structJson(json: unknown): string {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return toJson(json);
  return objectJson(json, Object.keys(json));
}

function objectJson(value: object, keys: readonly string[]): string {
  const fields: Record<string, unknown> = { ...value };
  return `{${keys
    .filter((key) => fields[key] !== undefined && typeof fields[key] !== "function")
    .map((key) => `${JSON.stringify(key)}:${toJson(fields[key])}`)
    .join(",")}}`;
}

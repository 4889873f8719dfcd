import { parseRamBytes, readCsvRecord } from "#base";
import { SyntaxFault, suggest } from "./fault.ts";

const types = ["bind", "cache", "tmpfs", "secret", "ssh"] as const;
const sharings = ["shared", "private", "locked"] as const;
const keys = [
  "type",
  "from",
  "source",
  "src",
  "target",
  "dst",
  "destination",
  "ro",
  "rw",
  "readonly",
  "readwrite",
  "required",
  "id",
  "size",
  "sharing",
  "mode",
  "uid",
  "gid",
  "env",
];

/** A `RUN --mount`, every value expanded. */
export type MountFlag = {
  readonly type: (typeof types)[number];
  /** Stage, named context or image; undefined for the build context (bind) or nothing (cache). */
  readonly from: string | undefined;
  readonly source: string | undefined;
  readonly target: string | undefined;
  readonly readonly: boolean;
  readonly required: boolean;
  readonly id: string | undefined;
  readonly sizeBytes: number | undefined;
  readonly sharing: (typeof sharings)[number];
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** The environment variable that a secret becomes. */
  readonly env: string | undefined;
};

/**
 * Reads the value of `--mount`. Without `expand` (when the Dockerfile is read) only what cannot depend on variables is
 * checked; with it everything is. Throws `SyntaxFault` in BuildKit's words.
 */
export function parseMountFlag(text: string, expand?: (word: string) => string): MountFlag {
  const draft: { -readonly [Key in keyof MountFlag]?: MountFlag[Key] } = {};
  let sharingSet = false;
  let access: boolean | undefined;
  for (const field of csvFields(text)) {
    const at = field.indexOf("=");
    const key = (at === -1 ? field : field.slice(0, at)).toLowerCase();
    let value = at === -1 ? undefined : field.slice(at + 1);
    if (value !== undefined && key === "from" && /\$./.test(value)) {
      throw new SyntaxFault(`'${key}' doesn't support variable expansion, define alias stage instead`);
    }
    const isLater = expand === undefined && value !== undefined && value.includes("$");
    if (value !== undefined && expand !== undefined && key !== "from") value = expand(value);
    if (isLater && keys.includes(key)) continue;
    switch (key) {
      case "type":
        draft.type = oneOf(types, required(value, field), (bad) => `unsupported mount type ${JSON.stringify(bad)}`);
        break;
      case "from":
        draft.from = required(value, field);
        break;
      case "source":
      case "src":
        draft.source = required(value, field);
        break;
      case "target":
      case "dst":
      case "destination":
        draft.target = required(value, field);
        break;
      case "readonly":
      case "ro":
        access = value === undefined || readBoolean(key, value);
        break;
      case "readwrite":
      case "rw":
        access = !(value === undefined || readBoolean(key, value));
        break;
      case "required":
        draft.required = value === undefined || readBoolean(key, value);
        break;
      case "size":
        draft.sizeBytes = parseRamBytes(required(value, field));
        if (draft.sizeBytes === undefined || draft.sizeBytes < 0) {
          throw new SyntaxFault(`invalid value for ${key}: ${value}`);
        }
        break;
      case "id":
        draft.id = required(value, field);
        break;
      case "sharing":
        sharingSet = true;
        draft.sharing = oneOf(sharings, required(value, field), (bad) => `unsupported sharing value "${bad}"`);
        break;
      case "mode":
        draft.mode = readNumber(key, required(value, field), 8);
        break;
      case "uid":
      case "gid":
        draft[key] = readNumber(key, required(value, field), 10);
        break;
      case "env":
        draft.env = required(value, field);
        break;
      default: {
        const near = suggest(key, keys);
        const hint = near === undefined ? "" : ` (did you mean ${near}?)`;
        if (value === undefined) throw new SyntaxFault(`invalid field '${field}' must be a key=value pair${hint}`);
        throw new SyntaxFault(`unexpected key '${key}' in '${field}'${hint}`);
      }
    }
  }
  const type = draft.type ?? "bind";
  checkKeys(draft, type, sharingSet);
  return {
    type,
    from: draft.from,
    source: draft.source,
    target: draft.target,
    readonly: access ?? (type !== "cache" && type !== "tmpfs"),
    required: draft.required ?? false,
    id: draft.id,
    sizeBytes: draft.sizeBytes,
    sharing: draft.sharing ?? "shared",
    mode: draft.mode,
    uid: draft.uid,
    gid: draft.gid,
    env: draft.env,
  };
}

function checkKeys(draft: Partial<MountFlag>, type: MountFlag["type"], sharingSet: boolean): void {
  const isFile = type === "secret" || type === "ssh";
  if (draft.required !== undefined && !isFile) {
    throw new SyntaxFault(`unexpected key 'required' for mount type '${type}'`);
  }
  if (draft.sizeBytes !== undefined && type !== "tmpfs") {
    throw new SyntaxFault(`unexpected key 'size' for mount type '${type}'`);
  }
  if (!isFile && type !== "cache") {
    for (const key of ["mode", "uid", "gid"] as const) {
      if (draft[key] !== undefined) throw new SyntaxFault(`${key} not allowed for "${type}" type mounts`);
    }
  }
  if (sharingSet && type === "secret") throw new SyntaxFault("secret mount should not define sharing");
  if (sharingSet && type !== "cache") throw new SyntaxFault(`invalid cache sharing set for ${type} mount`);
  if (draft.env !== undefined && type !== "secret") {
    throw new SyntaxFault(`unexpected key 'env' for mount type '${type}'`);
  }
  if (type === "secret") {
    if (draft.from !== undefined) throw new SyntaxFault("secret mount should not have a from");
    if (draft.source !== undefined && draft.id !== undefined) throw new SyntaxFault("both source and id can't be set");
  }
  if (type === "ssh" && draft.source !== undefined) throw new SyntaxFault("ssh does not support source");
}

function required(value: string | undefined, field: string): string {
  if (value === undefined) throw new SyntaxFault(`invalid field '${field}' must be a key=value pair`);
  return value;
}

function oneOf<const Word extends string>(
  words: readonly Word[],
  value: string,
  message: (value: string) => string,
): Word {
  const found = words.find((word) => word === value.toLowerCase());
  if (found !== undefined) return found;
  const near = suggest(value, words);
  throw new SyntaxFault(`${message(value)}${near === undefined ? "" : ` (did you mean ${near}?)`}`);
}

/** Go's strconv.ParseBool. */
function readBoolean(key: string, value: string): boolean {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(value)) return true;
  if (/^(?:0|f|F|FALSE|false|False)$/.test(value)) return false;
  throw new SyntaxFault(`invalid value for ${key}: ${value}`);
}

function readNumber(key: string, value: string, base: 8 | 10): number {
  const number = (base === 8 ? /^[0-7]+$/ : /^\d+$/).test(value) ? Number.parseInt(value, base) : Number.NaN;
  if (!(number <= 0xffff_ffff)) throw new SyntaxFault(`invalid value ${value} for ${key}`);
  return number;
}

/** Fields of one CSV record. */
export function csvFields(text: string): string[] {
  try {
    return readCsvRecord(text);
  } catch (error) {
    throw new SyntaxFault(`failed to parse csv mounts: ${(error as Error).message}`);
  }
}

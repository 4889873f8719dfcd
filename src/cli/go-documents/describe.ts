import { GoStruct, nilList, nilMap, NilPointer } from "#templates";
import { goTypes } from "./structures.ts";

type Field = { readonly name: string; readonly key: string; readonly type: string; readonly isEmbedded: boolean };

const parsed = new Map<string, readonly Field[]>();

function fieldsOf(type: string): readonly Field[] {
  const known = parsed.get(type);
  if (known !== undefined) return known;
  const fields = (goTypes[type] ?? "")
    .split(", ")
    .filter((text) => text !== "")
    .map((text): Field => {
      if (/^\*?\+/.test(text)) {
        return { name: "", key: "", type: text.replace("+", ""), isEmbedded: true };
      }
      const [names = "", fieldType = "any"] = text.split(" ");
      const [name = "", key = name] = names.split("=");
      return { name, key, type: fieldType, isEmbedded: false };
    });
  parsed.set(type, fields);
  return fields;
}

/** Go's `Duration.String`. */
function durationText(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  const sign = nanoseconds < 0 ? "-" : "";
  const size = Math.abs(nanoseconds);
  if (size < 1e3) return `${sign}${size}ns`;
  if (size < 1e6) return `${sign}${size / 1e3}µs`;
  if (size < 1e9) return `${sign}${size / 1e6}ms`;
  const seconds = (size % 60e9) / 1e9;
  const minutes = Math.floor(size / 60e9) % 60;
  const hours = Math.floor(size / 3600e9);
  return `${sign}${hours > 0 ? `${hours}h` : ""}${hours > 0 || minutes > 0 ? `${minutes}m` : ""}${seconds}s`;
}

/** Types that print as a text of their own. */
const textOf: Readonly<Record<string, (document: Readonly<Record<string, unknown>>) => string>> = {
  "units.Ulimit": ({ Name, Soft, Hard }) => `${String(Name)}=${String(Soft)}:${String(Hard)}`,
};

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A structure: its own fields, and those of the ones embedded in it, which its JSON does not tell apart. */
function describeStruct(value: unknown, type: string, typeName: string): unknown {
  const document = isObject(value) ? value : {};
  const fields = new Map<string, unknown>();
  const printed: unknown[] = [];
  const json: Record<string, unknown> = {};
  const byKey = new Map<string, unknown>();
  for (const { name, key, type: fieldType, isEmbedded } of fieldsOf(type)) {
    if (isEmbedded) {
      const embedded = describe(document, fieldType.replace(/^\*/, "")) as GoStruct;
      printed.push(embedded);
      fields.set(fieldType.replace(/^.*\./, ""), embedded);
      for (const [inner, each] of embedded.fields) if (!fields.has(inner)) fields.set(inner, each);
      for (const [inner, each] of Object.entries(embedded.json as object)) byKey.set(inner, each);
      continue;
    }
    const described = describe(document[key], fieldType);
    fields.set(name, described);
    printed.push(described);
    byKey.set(key, described);
  }
  // JSON has what the daemon sent, in Go's order.
  for (const [key, each] of byKey) if (key in document) json[key] = document[key] === null ? null : each;
  const text = textOf[type]?.(document);
  return new GoStruct(typeName, fields, { printed, json, ...(text !== undefined && { text }) });
}

/** A JSON value as Go holds it in a variable of `type` (a name of `goTypes`, `[]T`, `map[]T`, `*T`, `string`, …). */
export function describe(value: unknown, type: string, typeName = type): unknown {
  if (type.startsWith("*")) {
    return value === undefined || value === null ? new NilPointer(type) : describe(value, type.slice(1), type);
  }
  if (type.startsWith("[]")) {
    if (!Array.isArray(value)) return nilList;
    return value.map((each: unknown) => describe(each, type.slice(2)));
  }
  if (type.startsWith("map[]")) {
    if (!isObject(value)) return nilMap;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, describe(each, type.slice(5))]));
  }
  switch (type) {
    case "string":
      return typeof value === "string" ? value : "";
    case "bool":
      return value === true;
    case "int":
    case "int64":
      return typeof value === "number" || typeof value === "bigint" ? value : 0;
    case "duration": {
      const nanoseconds = typeof value === "number" ? value : 0;
      return new GoStruct("time.Duration", new Map(), { text: durationText(nanoseconds), json: nanoseconds });
    }
    case "struct":
      return new GoStruct("struct {}", new Map());
    case "any":
      return value ?? undefined;
    default:
      return describeStruct(value, type, typeName);
  }
}

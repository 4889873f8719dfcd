import type { IncomingMessage } from "node:http";
import type { GenericSchema, InferOutput } from "valibot";
import * as v from "valibot";
import { serverErrors } from "../errors.ts";
import { jsonSyntaxError } from "./json-syntax.ts";

/** A JSON body may be this long (moby refuses more too). */
const LIMIT_BYTES = 4 * 1024 * 1024;

/** True when the request announces a body. */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers["content-length"];
  return request.headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}

/** Reads a whole body, at most `limit` bytes. */
export async function readAll(body: AsyncIterable<Uint8Array>, limit = LIMIT_BYTES): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw serverErrors["invalid-body"](`longer than ${limit} bytes`);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? Buffer.from(chunks[0] as Uint8Array) : Buffer.concat(chunks);
}

/**
 * Checks that the body is declared as JSON (a page in a browser can send text/plain to any port without asking;
 * it cannot send application/json), then parses and validates it. An empty body is `undefined`.
 */
export function parseBody<Schema extends GenericSchema>(
  schema: Schema,
  bytes: Buffer,
  contentType: string | undefined,
): InferOutput<Schema> | undefined {
  if (bytes.length === 0) return undefined;
  const type = (contentType ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (type !== "application/json") throw serverErrors["unsupported-media-type"](contentType ?? "");
  const value = parseJson(bytes);
  if (value === undefined || value === null) return undefined;
  const parsed = v.safeParse(schema, withSchemaSpelling(schema, value), { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    // valibot's own messages begin so; any other is a sentence that a schema was given.
    if (!issue.message.startsWith("Invalid ")) throw serverErrors["invalid-field"](issue.message);
    throw serverErrors["invalid-body"](describe(issue));
  }
  return parsed.output;
}

function parseJson(bytes: Buffer): unknown {
  const text = bytes.toString("utf8");
  if (text.trim() === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw serverErrors["invalid-json"](jsonSyntaxError(text));
  }
  // No name, path or word of a command can hold one, and the kernel would see its end there.
  if (text.includes(String.raw`\u0000`) && holdsNul(value))
    throw serverErrors["invalid-body"]("it contains a NUL character");
  return value;
}

function holdsNul(value: unknown): boolean {
  const rest = [value];
  while (rest.length > 0) {
    const item = rest.pop();
    if (typeof item === "string" && item.includes("\0")) return true;
    if (typeof item !== "object" || item === null) continue;
    for (const [key, inner] of Object.entries(item)) rest.push(key, inner);
  }
  return false;
}

function describe(issue: v.BaseIssue<unknown>): string {
  const path = issue.path?.map((item) => String(item.key)).join(".") ?? "";
  let deepest = issue;
  // A union reports each of its members; the last one says what a list would need.
  while (deepest.issues !== undefined && deepest.issues.length > 0) deepest = deepest.issues.at(-1) ?? deepest;
  const expected = (deepest.expected ?? "another value").replace(/ \| (null|undefined)/g, "").replace(/[()]/g, "");
  const received = issue.type === "integer" ? String(issue.input) : issue.received;
  return `${path === "" ? "" : `${path}: `}expected ${wording(issue, expected)} but got ${received}`;
}

function wording(issue: v.BaseIssue<unknown>, expected: string): string {
  if (issue.type === "integer" || expected === "number") return "integer";
  if (expected === "Object") return "an object";
  if (expected === "Array" || expected === "Array | string") return "a list";
  return expected;
}

type AnySchema = {
  readonly type: string;
  readonly wrapped?: AnySchema;
  readonly entries?: Readonly<Record<string, AnySchema>>;
  readonly item?: AnySchema;
  readonly value?: AnySchema;
  readonly pipe?: readonly AnySchema[];
};

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

const spellings = new WeakMap<object, Map<string, string>>();

/** Go matches JSON keys to fields whatever their case; so does this, for every object of the schema. */
function withSchemaSpelling(schema: GenericSchema, value: unknown): unknown {
  return respell(schema, value, "");
}

function respell(schema: AnySchema, value: unknown, path: string): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (schema.wrapped !== undefined) return respell(schema.wrapped, value, path);
  if (schema.type === "array" && schema.item !== undefined) {
    const { item } = schema;
    return Array.isArray(value)
      ? value.map((element, index) => respell(item, element, join(path, String(index))))
      : value;
  }
  if (Array.isArray(value)) {
    // A list is an object to JavaScript, and so to the schema; to Go it is not.
    if (schema.entries !== undefined || schema.type === "record")
      throw serverErrors["invalid-body"](`${path === "" ? "" : `${path}: `}expected an object but got a list`);
    return value;
  }
  const object = value as Record<string, unknown>;
  if (schema.type === "record" && schema.value !== undefined) {
    const result: Record<string, unknown> = {};
    for (const key of Object.keys(object))
      if (key !== "__proto__") result[key] = respell(schema.value, object[key], join(path, key));
    return result;
  }
  const { entries } = schema;
  if (entries === undefined) return value;
  let lower = spellings.get(entries);
  if (lower === undefined) {
    lower = new Map(Object.keys(entries).map((key) => [key.toLowerCase(), key]));
    spellings.set(entries, lower);
  }
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(object)) {
    const name = Object.hasOwn(entries, key) ? key : lower.get(key.toLowerCase());
    const entry = name === undefined ? undefined : entries[name];
    if (name !== undefined && entry !== undefined) result[name] = respell(entry, object[key], join(path, name));
  }
  return result;
}

/** The request's body as chunks, at the reader's pace. Leaving the loop early does not cut the connection. */
export function requestBody(request: IncomingMessage): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Uint8Array>,
  };
}

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv, { type ErrorObject, type ValidateFunction } from "ajv";
import { unknownFields } from "./unknown-fields.ts";

/** The published description of Docker's API; not part of this repository. */
const descriptionFile = join(import.meta.dir, "../../../shared/reference/docker-engine-api.yaml");

/** Whether responses can be checked here. */
export const descriptionPresent = existsSync(descriptionFile);

/** A schema of the description, as it is written. */
export type Schema = { [key: string]: unknown };
type Operation = {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema?: Schema }[];
  readonly responses: Readonly<Record<string, { readonly schema?: Schema }>>;
};
type Description = {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly definitions: Readonly<Record<string, Schema>>;
};

/** Required fields of the description that came after API 1.50, the newest version Berth speaks. */
const newerThanSpoken: Readonly<Record<string, readonly string[]>> = {
  NetworkInspect: ["Status"],
};

/**
 * Where Docker writes `null` and the description does not say so: pointers and maps of Go that were never set. By the
 * definition's name, or by the title of a form that has none.
 */
const nullable: Readonly<Record<string, readonly string[]>> = {
  Resources: ["MemorySwappiness", "OomKillDisable"],
  DriverData: ["Data"],
  ImageSummary: ["Labels"],
  ImageHistoryResponseItem: ["Tags"],
  Volume: ["Labels", "Options"],
  ExecInspectResponse: ["ExitCode"],
};

/** Required by the description, but no field of it and of none of Docker's types: `Size.Unpacked` took its place. */
const neverSent = new Set(["UnpackedSize"]);

/** Turns a Swagger 2.0 schema into JSON Schema as ajv reads it. `required` lists stay; `null` stands for empty lists and maps. */
function toJsonSchema(schema: unknown, mayBeNull = true): unknown {
  if (typeof schema !== "object" || schema === null) return schema;
  const source = withNulls(schema as Schema);
  if (typeof source["$ref"] === "string") {
    const reference = { $ref: source["$ref"] };
    return mayBeNull ? { anyOf: [reference, { type: "null" }] } : reference;
  }
  const result: Schema = {};
  const required = Array.isArray(source["required"]) ? (source["required"] as string[]) : [];
  for (const [key, value] of Object.entries(source)) {
    if (["description", "example", "title", "default", "discriminator", "readOnly", "externalDocs"].includes(key))
      continue;
    if (key.startsWith("x-")) continue;
    if (key === "properties")
      result[key] = Object.fromEntries(
        Object.entries(value as Schema).map(([name, property]) => [
          name,
          toJsonSchema(property, !required.includes(name) || (property as Schema)["x-nullable"] === true),
        ]),
      );
    else if (key === "required") result[key] = required.filter((name) => !neverSent.has(name));
    else if (key === "items" || key === "additionalProperties") result[key] = toJsonSchema(value);
    else if (key === "allOf") result[key] = (value as unknown[]).map((part) => toJsonSchema(part, false));
    else result[key] = value;
  }
  const type = source["type"];
  const collection = type === "array" || type === "object";
  if (source["x-nullable"] === true || (collection && mayBeNull)) {
    if (typeof type === "string") result["type"] = [type, "null"];
    if (Array.isArray(result["enum"])) result["enum"] = [...(result["enum"] as unknown[]), null];
  }
  return result;
}

function withNulls(schema: Schema): Schema {
  const fields = nullable[typeof schema["title"] === "string" ? schema["title"] : ""];
  if (fields === undefined) return schema;
  const properties = { ...(schema["properties"] as Record<string, Schema>) };
  for (const field of fields) properties[field] = { ...properties[field], "x-nullable": true };
  return { ...schema, properties };
}

/** A response body held against what the description says of it. */
export type Check = (body: unknown) => readonly string[];

type Compiled = {
  readonly method: string;
  readonly pattern: RegExp;
  /** How the description writes the path. */
  readonly path: string;
  readonly literals: number;
  readonly byStatus: ReadonlyMap<number, Check | undefined>;
};

/** The description, ready to be asked. */
export type ApiDescription = {
  /** The operation a request means; undefined for paths the description does not have. */
  find(method: string, path: string): Compiled | undefined;
  /** The form of every error. */
  readonly error: Check;
  /** A definition by name, for records of streams. */
  definition(name: string): Check;
};

function describe(error: ErrorObject): string {
  const where = error.instancePath.replace(/\/(\d+)(?=\/|$)/g, "/*");
  return `${where === "" ? "(body)" : where}: ${error.message ?? error.keyword}${
    error.keyword === "enum" ? ` ${JSON.stringify(error.params["allowedValues"])}` : ""
  }`;
}

function checkOf(validate: ValidateFunction): Check {
  return (body) =>
    validate(body)
      ? []
      : // Of "this or null", only what is wrong with this is worth saying.
        (validate.errors ?? [])
          .filter(({ keyword, params }) => keyword !== "anyOf" && !(keyword === "type" && params["type"] === "null"))
          .map((error) => describe(error));
}

/** The description as it is written. */
export function readRawDescription(): Description {
  return Bun.YAML.parse(readFileSync(descriptionFile, "utf8")) as Description;
}

/** Reads and compiles the description; operations are compiled when they are first met. */
export function readDescription(): ApiDescription {
  const description = readRawDescription();
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  const definitions: Record<string, unknown> = {};
  for (const [name, definition] of Object.entries(description.definitions)) {
    const newer = newerThanSpoken[name];
    const schema = { ...definition };
    if (newer !== undefined && Array.isArray(schema["required"]))
      schema["required"] = (schema["required"] as string[]).filter((field) => !newer.includes(field));
    definitions[name] = toJsonSchema({ ...schema, title: name }, false);
  }
  ajv.addSchema({ $id: "docker", definitions });
  const compile = (schema: Schema): Check => {
    let validate: ValidateFunction | undefined;
    return (body) => {
      const rooted = JSON.parse(
        JSON.stringify(toJsonSchema(schema, false)).replaceAll('"#/definitions/', '"docker#/definitions/'),
      ) as Schema;
      validate ??= ajv.compile(rooted);
      const unknown = unknownFields(description.definitions, schema, body).map((path) => `${path}: not described`);
      return [...checkOf(validate)(body), ...unknown];
    };
  };
  const operations: Compiled[] = [];
  for (const [path, methods] of Object.entries(description.paths))
    for (const [method, operation] of Object.entries(methods)) {
      const source = path.replace(/\{(\w+)\}/g, (_whole, name: string) => (name === "name" ? "(?:.+)" : "[^/]+"));
      operations.push({
        method: method.toUpperCase(),
        pattern: new RegExp(`^${source}$`),
        path,
        literals: path.split("/").filter((part) => !part.startsWith("{")).length,
        byStatus: new Map(
          Object.entries(operation.responses).map(([status, { schema }]) => [
            Number(status),
            schema === undefined || schema["type"] === "string" ? undefined : compile(schema),
          ]),
        ),
      });
    }
  operations.sort((a, b) => b.literals - a.literals);
  return {
    find: (method, path) => operations.find((one) => one.method === method && one.pattern.test(path)),
    error: compile({ $ref: "#/definitions/ErrorResponse" }),
    definition: (name) => compile({ $ref: `#/definitions/${name}` }),
  };
}

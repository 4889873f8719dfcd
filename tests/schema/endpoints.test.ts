import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { routes } from "../../src/server/routes/table.ts";
import { descriptionPresent, readRawDescription, type Schema } from "./description.ts";
import {
  endpointName,
  endpointsPage,
  fieldsLeftOut,
  leftOut,
  parametersLeftOut,
  parametersWithoutEffect,
} from "./endpoints-page.ts";
import { type Shape, unwrapped } from "./request-fields.ts";

test("docs/api.md is what `bun scripts/document-endpoints.ts` writes", () => {
  expect(readFileSync(join(import.meta.dir, "../../docs/api.md"), "utf8")).toBe(endpointsPage());
});

const nameless = (endpoint: string) => endpoint.replace(/\{\w+\}/g, "{}");
const mine = new Map(routes.map((route) => [nameless(endpointName(route)), route]));
const excused = (endpoint: string, parameter: string) =>
  parametersLeftOut.some(
    ([start, names]) => endpoint.startsWith(start) && (names.includes("*") || names.includes(parameter)),
  );

test("every query parameter is read, or said to change nothing", () => {
  const folder = join(import.meta.dir, "../../src/server/routes");
  const source = readdirSync(folder)
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .map((file) => readFileSync(join(folder, file), "utf8"))
    .join("\n");
  const read = new Set(
    [...source.matchAll(/(?:query|options)(?:\.(\w+)|\["([^"]+)"\])/g)].map(([, one, other]) => one ?? other ?? ""),
  );
  for (const [, names = ""] of source.matchAll(/\{([^{}();]*)\}\s*(?:=\s*(?:query|options)|[,:)])/g))
    for (const name of names.split(",")) read.add(name.replace(/[:=].*/s, "").trim());
  const idle = routes.flatMap((route) =>
    Object.keys(route.query ?? {})
      .filter((name) => !read.has(name))
      .map((name) => `${endpointName(route)} ${name}`),
  );
  const said = Object.entries(parametersWithoutEffect).flatMap(([endpoint, names]) =>
    Object.keys(names).map((name) => `${endpoint} ${name}`),
  );
  expect(idle.toSorted()).toEqual(said.toSorted());
});

if (!descriptionPresent)
  console.log("skipped: the API description is not there, so the routes are not held against it");
test.skipIf(!descriptionPresent)(
  "every endpoint, query parameter and body field of the description is there, or is left out with a reason",
  () => {
    const { paths, definitions } = readRawDescription();
    const resolve = (schema: Schema): Schema => {
      const reference = schema["$ref"];
      if (typeof reference === "string") return resolve(definitions[reference.replace("#/definitions/", "")] ?? {});
      const parts = (schema["allOf"] as Schema[] | undefined) ?? [];
      const properties = Object.assign({}, schema["properties"], ...parts.map((part) => resolve(part)["properties"]));
      return { ...schema, properties };
    };
    const missing: string[] = [];
    const compare = (endpoint: string, schema: Schema, shape: Shape | undefined, path: readonly string[]) => {
      const own = unwrapped(shape);
      const wanted = resolve(schema);
      if (own?.type === "array") {
        compare(endpoint, (wanted["items"] ?? {}) as Schema, own.item, path);
        return;
      }
      if (own?.type === "record" && typeof wanted["additionalProperties"] === "object") {
        compare(endpoint, wanted["additionalProperties"] as Schema, own.value, path);
        return;
      }
      if (own?.entries === undefined) return;
      for (const [name, property] of Object.entries(wanted["properties"] as Record<string, Schema>)) {
        const field = `${endpoint} ${[...path, name].join(".")}`;
        if (own.entries[name] === undefined && fieldsLeftOut[field] === undefined) missing.push(`field: ${field}`);
        compare(endpoint, property, own.entries[name], [...path, name]);
      }
    };
    let compared = 0;
    for (const [path, methods] of Object.entries(paths))
      for (const [method, { parameters = [] }] of Object.entries(methods)) {
        const endpoint = `${method.toUpperCase()} ${path}`;
        const route = mine.get(nameless(endpoint));
        if (route === undefined) {
          if (leftOut[endpoint] === undefined) missing.push(`endpoint: ${endpoint}`);
          continue;
        }
        compared += 1;
        for (const { name, in: place, schema } of parameters) {
          if (place === "query" && route.query?.[name] === undefined && !excused(endpoint, name))
            missing.push(`parameter: ${endpoint} ${name}`);
          if (place === "body" && schema !== undefined && route.body !== undefined)
            compare(endpoint, schema, route.body, []);
        }
      }
    expect(missing).toEqual([]);
    expect(compared).toBeGreaterThan(100);
  },
);

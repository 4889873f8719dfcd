import type { Route } from "../../src/server/http/route.ts";
import { routes } from "../../src/server/routes/table.ts";
import { endpointName } from "./endpoints-page.ts";

/** A valibot schema as far as its fields go. */
export type Shape = {
  readonly type: string;
  readonly wrapped?: Shape;
  readonly entries?: Readonly<Record<string, Shape>>;
  readonly item?: Shape;
  readonly value?: Shape;
  readonly options?: readonly Shape[];
};

/** The schema itself, without what says that it may be absent. */
export function unwrapped(shape: Shape | undefined): Shape | undefined {
  let own = shape;
  while (own?.wrapped !== undefined) own = own.wrapped;
  return own;
}

/** The paths of all fields of a body: those of lists below their list, those of maps below `*`. */
export function fieldPaths(shape: Shape | undefined, path: readonly string[] = []): readonly string[] {
  const own = unwrapped(shape);
  if (own?.type === "array") return fieldPaths(own.item, path);
  if (own?.type === "record" && (unwrapped(own.value)?.type ?? "string") !== "string" && !isEmpty(own.value))
    return fieldPaths(own.value, [...path, "*"]);
  if (own?.entries === undefined || Object.keys(own.entries).length === 0)
    return path.length === 0 ? [] : [path.join(".")];
  return Object.entries(own.entries).flatMap(([name, field]) => fieldPaths(field, [...path, name]));
}

/** Go's set: a map to nothing. */
function isEmpty(shape: Shape | undefined): boolean {
  const own = unwrapped(shape);
  return own?.type === "object" && Object.keys(own.entries ?? {}).length === 0;
}

/** The bodies that clients send as JSON to endpoints of Docker's, by endpoint. */
export const requestBodies: ReadonlyMap<string, readonly string[]> = new Map(
  routes
    .filter((route: Route) => route.body !== undefined && !route.path.startsWith("/berth/"))
    .map((route) => [endpointName(route), fieldPaths(route.body as unknown as Shape)]),
);

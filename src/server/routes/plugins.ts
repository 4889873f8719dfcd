import { serverErrors } from "../errors.ts";
import { type Method, jsonReply, route, type Route } from "../http/route.ts";
import { filters } from "../http/query.ts";

function unknownPlugin(method: Method, path: string): Route {
  return route({
    method,
    path,
    handle({ params: { name = "" } }) {
      throw serverErrors["no-such-plugin"](name);
    },
  });
}

function unsupported(method: Method, path: string): Route {
  return route({
    method,
    path,
    handle() {
      throw serverErrors["plugins-unsupported"]();
    },
  });
}

/** Managed plugins: there are none, and none can be installed. */
export const pluginRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/plugins",
    query: { filters: filters(["capability", "enabled"]) },
    handle: () => jsonReply([]),
  }),
  unsupported("GET", "/plugins/privileges"),
  unsupported("POST", "/plugins/pull"),
  unsupported("POST", "/plugins/create"),
  unknownPlugin("GET", "/plugins/{name...}/json"),
  unknownPlugin("DELETE", "/plugins/{name...}"),
  unknownPlugin("POST", "/plugins/{name...}/enable"),
  unknownPlugin("POST", "/plugins/{name...}/disable"),
  unknownPlugin("POST", "/plugins/{name...}/upgrade"),
  unknownPlugin("POST", "/plugins/{name...}/push"),
  unknownPlugin("POST", "/plugins/{name...}/set"),
];

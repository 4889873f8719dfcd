import { serverErrors } from "../errors.ts";
import { type Method, route, type Route } from "../http/route.ts";

function refused(
  method: Method,
  path: string,
  code: "not-a-swarm-manager" | "not-in-a-swarm" | "swarm-unsupported",
): Route {
  return route({
    method,
    path,
    handle() {
      throw serverErrors[code]();
    },
  });
}

/** Kinds of things only a swarm manager has; `name` is how the path's parameter is called. */
const managed: readonly (readonly [kind: string, methods: readonly (readonly [Method, string])[]])[] = [
  [
    "nodes",
    [
      ["GET", ""],
      ["GET", "/{id}"],
      ["DELETE", "/{id}"],
      ["POST", "/{id}/update"],
    ],
  ],
  [
    "services",
    [
      ["GET", ""],
      ["POST", "/create"],
      ["GET", "/{id}"],
      ["DELETE", "/{id}"],
      ["POST", "/{id}/update"],
      ["GET", "/{id}/logs"],
    ],
  ],
  [
    "tasks",
    [
      ["GET", ""],
      ["GET", "/{id}"],
      ["GET", "/{id}/logs"],
    ],
  ],
  [
    "secrets",
    [
      ["GET", ""],
      ["POST", "/create"],
      ["GET", "/{id}"],
      ["DELETE", "/{id}"],
      ["POST", "/{id}/update"],
    ],
  ],
  [
    "configs",
    [
      ["GET", ""],
      ["POST", "/create"],
      ["GET", "/{id}"],
      ["DELETE", "/{id}"],
      ["POST", "/{id}/update"],
    ],
  ],
];

/** Answers as a Docker daemon outside a swarm does: this engine runs on one machine. */
export const swarmRoutes: readonly Route[] = [
  refused("GET", "/swarm", "not-a-swarm-manager"),
  refused("GET", "/swarm/unlockkey", "not-a-swarm-manager"),
  refused("POST", "/swarm/update", "not-a-swarm-manager"),
  refused("POST", "/swarm/leave", "not-in-a-swarm"),
  refused("POST", "/swarm/unlock", "not-in-a-swarm"),
  refused("POST", "/swarm/init", "swarm-unsupported"),
  refused("POST", "/swarm/join", "swarm-unsupported"),
  ...managed.flatMap(([kind, calls]) =>
    calls.map(([method, rest]) => refused(method, `/${kind}${rest}`, "not-a-swarm-manager")),
  ),
];

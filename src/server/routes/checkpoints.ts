import { serverErrors } from "../errors.ts";
import { type Method, route, type Route } from "../http/route.ts";

function experimental(method: Method, path: string): Route {
  return route({
    method,
    path,
    handle() {
      throw serverErrors["experimental-only"]();
    },
  });
}

/** Checkpoints need CRIU; a Docker daemon without its experimental mode answers so too. */
export const checkpointRoutes: readonly Route[] = [
  experimental("GET", "/containers/{id}/checkpoints"),
  experimental("POST", "/containers/{id}/checkpoints"),
  experimental("DELETE", "/containers/{id}/checkpoints/{checkpoint}"),
];

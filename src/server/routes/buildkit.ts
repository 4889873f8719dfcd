import { upgradeProtocolHeader } from "#wire";
import { serverErrors } from "../errors.ts";
import { readRawBody } from "../http/raw-body.ts";
import { hijackRoute, type HijackCall, type Route } from "../http/route.ts";

/**
 * Ends HTTP/1.1 on the connection; HTTP/2 follows. Some clients (Node's) send a chunked body without content: its
 * last chunk is not HTTP/2. Resolves to the bytes after it.
 */
async function switchToHttp2({ socket, head, request }: HijackCall<unknown>): Promise<Buffer> {
  socket.on("error", () => socket.destroy());
  const { rest } = await readRawBody(socket, head, request.headers);
  socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
  return rest;
}

/** Refuses what does not ask for HTTP/2 (moby: api/server/router/session; buildkit: session/manager.go). */
function requireUpgrade({ request, upgraded }: HijackCall<unknown>): void {
  const given = request.headers[upgradeProtocolHeader] ?? "";
  const protocol = Array.isArray(given) ? (given[0] ?? "") : given;
  if (!upgraded || protocol === "") throw serverErrors["upgrade-missing"]();
  if (protocol !== "h2c") throw serverErrors["upgrade-unknown"](protocol);
}

/** BuildKit's protocol on connections that were taken over: the daemon serves calls on one, and makes calls on the other. */
export const buildKitRoutes: readonly Route[] = [
  hijackRoute({
    method: "POST",
    path: "/grpc",
    since: 39,
    async handle(call) {
      requireUpgrade(call);
      const buildKit = await call.parts.buildKit();
      buildKit.serve(call.socket, await switchToHttp2(call));
    },
  }),
  hijackRoute({
    method: "POST",
    path: "/session",
    since: 31,
    async handle(call) {
      requireUpgrade(call);
      const buildKit = await call.parts.buildKit();
      const offer = buildKit.offer(call.request.headers);
      buildKit.openSession(call.socket, await switchToHttp2(call), offer);
    },
  }),
];

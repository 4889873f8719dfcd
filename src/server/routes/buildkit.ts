import { hijackRoute, type HijackCall, type Route } from "../http/route.ts";

/** Ends HTTP/1.1 on the connection; HTTP/2 follows. */
function switchToHttp2({ socket }: HijackCall<unknown>): void {
  socket.on("error", () => socket.destroy());
  socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
}

/** BuildKit's protocol on connections that were taken over: the daemon serves calls on one, and makes calls on the other. */
export const buildKitRoutes: readonly Route[] = [
  hijackRoute({
    method: "POST",
    path: "/grpc",
    since: 39,
    async handle(call) {
      const buildKit = await call.parts.buildKit();
      switchToHttp2(call);
      buildKit.serve(call.socket, call.head);
    },
  }),
  hijackRoute({
    method: "POST",
    path: "/session",
    since: 31,
    async handle(call) {
      const buildKit = await call.parts.buildKit();
      const offer = buildKit.offer(call.request.headers);
      switchToHttp2(call);
      buildKit.openSession(call.socket, call.head, offer);
    },
  }),
];

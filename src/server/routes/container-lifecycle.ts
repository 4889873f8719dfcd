import type { WaitCondition } from "#engine";
import { errorMessage } from "#base";
import { serverErrors } from "../errors.ts";
import { emptyReply, route, type Route } from "../http/route.ts";
import { integer, type QueryField, text } from "../http/query.ts";
import { isGone, openStream } from "../http/stream-reply.ts";

const conditions: readonly WaitCondition[] = ["not-running", "next-exit", "removed"];

/** One side of a terminal: required, an unsigned 32-bit number. */
export function terminalSide(side: "height" | "width"): QueryField<number> {
  return {
    kind: "integer",
    parse: ([value = ""]) => {
      if (!/^\d{1,10}$/.test(value) || Number(value) > 0xffff_ffff) throw serverErrors["invalid-size"](side, value);
      return Number(value);
    },
  };
}

/** Containers as processes: start, stop, signal, pause, wait. */
export const containerLifecycleRoutes: readonly Route[] = [
  route({
    method: "POST",
    path: "/containers/{id}/start",
    query: { detachKeys: text() },
    async handle({ parts: { engine }, params: { id = "" }, request }) {
      // Old clients sent a HostConfig here; those up to 7 bytes ("{}", "null") did no harm.
      const length = Number(request.headers["content-length"] ?? "0");
      if (length > 7 || request.headers["transfer-encoding"] !== undefined) throw serverErrors["start-with-body"]();
      await engine.containers.start(id);
      return emptyReply();
    },
  }),
  route({
    method: "POST",
    path: "/containers/{id}/stop",
    query: { signal: text(), t: integer() },
    async handle({ parts: { engine }, params: { id = "" }, query }) {
      await engine.containers.stop(id, { signal: query.signal, timeoutSeconds: query.t });
      return emptyReply();
    },
  }),
  route({
    method: "POST",
    path: "/containers/{id}/restart",
    query: { signal: text(), t: integer() },
    async handle({ parts: { engine }, params: { id = "" }, query }) {
      await engine.containers.restart(id, { signal: query.signal, timeoutSeconds: query.t });
      return emptyReply();
    },
  }),
  route({
    method: "POST",
    path: "/containers/{id}/kill",
    query: { signal: text() },
    async handle({ parts: { engine }, params: { id = "" }, query }) {
      await engine.containers.kill(id, query.signal);
      return emptyReply();
    },
  }),
  route({
    method: "POST",
    path: "/containers/{id}/pause",
    async handle({ parts: { engine }, params: { id = "" } }) {
      await engine.containers.pause(id);
      return emptyReply();
    },
  }),
  route({
    method: "POST",
    path: "/containers/{id}/unpause",
    async handle({ parts: { engine }, params: { id = "" } }) {
      await engine.containers.unpause(id);
      return emptyReply();
    },
  }),
  route({
    method: "POST",
    path: "/containers/{id}/resize",
    query: { h: terminalSide("height"), w: terminalSide("width") },
    async handle({ parts: { engine }, params: { id = "" }, query }) {
      await engine.containers.resize(id, { height: query.h, width: query.w });
      return emptyReply(200);
    },
  }),
  route({
    method: "POST",
    path: "/containers/{id}/wait",
    query: { condition: text() },
    async handle({ parts: { engine }, params: { id = "" }, query, version, response, signal }) {
      // Below 1.30 there was one condition only.
      const condition = version < 30 ? "not-running" : (query.condition ?? "not-running");
      if (!conditions.includes(condition as WaitCondition))
        throw serverErrors["invalid-parameter"]("condition", condition, conditions.join(", "));
      const { result } = await engine.containers.wait(id, condition as WaitCondition, signal);
      // The CLI sends `start` only after these headers have arrived.
      openStream(response, "application/json");
      const body = await result.then(
        ({ exitCode, error }) =>
          error === undefined || error === ""
            ? { StatusCode: exitCode }
            : { StatusCode: exitCode, Error: { Message: error } },
        (error: unknown) => ({ StatusCode: 125, Error: { Message: errorMessage(error) } }),
      );
      if (!isGone(response)) response.end(`${JSON.stringify(body)}\n`);
    },
  }),
];

import { errorMessage } from "#base";
import { createExecSchema, startExecSchema } from "#formats";
import { encodeFrame, reframe, STDIO } from "#wire";
import type { Attachment } from "#engine";
import { parseBody } from "../http/body.ts";
import { readRawBody } from "../http/raw-body.ts";
import { emptyReply, hijackRoute, jsonReply, jsonRoute, route, type Route } from "../http/route.ts";
import { terminalSide } from "./container-lifecycle.ts";
import { containerActor, detachInspector, sendHijackHead, serveAttachment } from "./container-streams.ts";

/** Further processes in running containers. */
export const execRoutes: readonly Route[] = [
  jsonRoute({
    method: "POST",
    path: "/containers/{id}/exec",
    body: createExecSchema,
    async handle({ parts: { engine }, params: { id = "" }, body, version }) {
      const { ConsoleSize: size, ...rest } = body;
      if (body.DetachKeys !== "" && body.DetachKeys !== null) detachInspector(body.DetachKeys, false);
      const execId = await engine.execs.create(id, version < 42 || size === undefined ? rest : body);
      return jsonReply({ Id: execId }, 201);
    },
  }),
  hijackRoute({
    method: "POST",
    path: "/exec/{id}/start",
    async handle(call) {
      const { parts, params, request, socket, version } = call;
      const { engine } = parts;
      const { body: bytes, rest } = await readRawBody(socket, call.head, request.headers);
      const body = parseBody(startExecSchema, bytes, request.headers["content-type"]) ?? {};
      const exec = engine.execs.get(params["id"] ?? "");
      const terminal = exec.body.Tty === true;
      // What the caller of start calls a terminal decides how it is told the output, not what the exec has.
      const raw = body.Tty === true;
      const [height = 0, width = 0] = (version >= 42 ? body.ConsoleSize : undefined) ?? [];
      const options = {
        detach: body.Detach === true,
        terminal,
        consoleSize: height > 0 && width > 0 ? { height, width } : undefined,
      };
      if (options.detach) {
        await engine.execs.start(exec.id, options);
        return emptyReply(200);
      }
      // Docker switches protocols first and starts then: a failure is read as output, and its code in the exec.
      const headSent = sendHijackHead(call, raw);
      let attachment: Attachment | undefined;
      try {
        attachment = await engine.execs.start(exec.id, options);
        await headSent;
      } catch (error) {
        await headSent;
        const text = Buffer.from(`${errorMessage(error)}\r\n`);
        socket.end(raw ? text : encodeFrame(STDIO.STDOUT, text));
        socket.resume();
      }
      if (attachment === undefined) return undefined;
      const stream = raw === terminal ? attachment.stream : reframe(attachment.stream, raw ? "raw" : "frames");
      await serveAttachment(
        socket,
        { ...attachment, stream },
        {
          head: rest,
          stdin: exec.body.AttachStdin === true,
          detachKeys: exec.body.DetachKeys === "" ? undefined : (exec.body.DetachKeys ?? undefined),
          onDetach: () => {
            const { id, attributes } = containerActor(engine.containers.get(exec.containerId));
            engine.events.emit({
              type: "container",
              action: "exec_detach",
              actor: { id, attributes: { ...attributes, execID: exec.id } },
            });
          },
        },
      );
      return undefined;
    },
  }),
  route({
    method: "POST",
    path: "/exec/{id}/resize",
    query: { h: terminalSide("height"), w: terminalSide("width") },
    async handle({ parts: { engine }, params: { id = "" }, query }) {
      await engine.execs.resize(id, { height: query.h, width: query.w });
      return emptyReply(200);
    },
  }),
  route({
    method: "GET",
    path: "/exec/{id}/json",
    handle({ parts: { engine }, params: { id = "" } }) {
      const exec = engine.execs.get(id);
      const [entrypoint = "", ...args] = exec.body.Cmd ?? [];
      return jsonReply({
        ID: exec.id,
        Running: exec.running,
        ExitCode: exec.exitCode,
        ProcessConfig: {
          tty: exec.body.Tty === true,
          entrypoint,
          arguments: args,
          privileged: exec.body.Privileged === true,
          ...(exec.user === "" ? {} : { user: exec.user }),
        },
        OpenStdin: exec.body.AttachStdin === true,
        OpenStderr: exec.body.AttachStderr === true,
        OpenStdout: exec.body.AttachStdout === true,
        CanRemove: exec.canRemove,
        ContainerID: exec.containerId,
        DetachKeys: exec.body.DetachKeys ?? "",
        Pid: exec.pid,
      });
    },
  }),
];

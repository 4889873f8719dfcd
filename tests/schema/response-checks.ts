import type { ApiDescription, Check } from "./description.ts";
import type { HttpMessage } from "./http-messages.ts";

/** Records of streams, one JSON document a line. */
const recordDefinitions: Readonly<Record<string, string>> = {
  "GET /events": "EventMessage",
  "GET /containers/{id}/stats": "ContainerStatsResponse",
  "POST /build": "BuildInfo",
  "POST /images/create": "CreateImageInfo",
  "POST /images/load": "CreateImageInfo",
  "POST /images/{name}/push": "PushImageInfo",
};

/** The JSON documents of a body: one, or one a line. */
function documents(text: string, streamed: boolean): readonly unknown[] {
  if (!streamed) return [JSON.parse(text)];
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as unknown);
}

/** BuildKit's progress within a build's records: `aux` is text there, whatever the description says of it. */
function isTrace(document: unknown): boolean {
  return (document as { readonly id?: unknown } | null)?.id === "moby.buildkit.trace";
}

/** Holds answers against the description. */
export function createResponseChecks(
  description: ApiDescription,
): (request: string, response: HttpMessage) => string[] {
  const records = new Map<string, Check>();
  const recordCheck = (operation: string): Check | undefined => {
    const name = recordDefinitions[operation];
    if (name === undefined) return undefined;
    let check = records.get(name);
    if (check === undefined) records.set(name, (check = description.definition(name)));
    return check;
  };

  return (request, response) => {
    const [method = "", target = ""] = request.split(" ");
    const path = (target.split("?")[0] ?? "").replace(/^\/v[\d.]+(?=\/)/, "");
    const status = Number(response.line.split(" ")[1]);
    const type = response.headers.get("content-type") ?? "";
    const operation = description.find(method, path);
    const name = operation === undefined ? `${method} ${path}` : `${method} ${operation.path}`;
    const problems: string[] = [];
    const report = (problem: string) => problems.push(`${name} ${status}: ${problem}`);
    if (status >= 400) {
      if (method === "HEAD" || !response.whole) return problems;
      if (type !== "application/json") report(`an error of type "${type}"`);
      else for (const problem of description.error(JSON.parse(response.body.toString()))) report(problem);
      return problems;
    }
    if (operation === undefined || status === 304) return problems;
    // The description forgets that an exec that is started may take over its connection.
    const hijacked = status === 101 && name === "POST /exec/{id}/start";
    if (!operation.byStatus.has(status) && !hijacked) {
      report("the description has no such status");
      return problems;
    }
    const streamed = recordDefinitions[name] !== undefined;
    const check = recordCheck(name) ?? operation.byStatus.get(status);
    if (check === undefined) return problems;
    if (type !== "application/json") report(`content type "${type}"`);
    if (!response.whole && !streamed) return problems;
    let text = response.body.toString();
    // What a client cut off may end in the middle of a record.
    if (!response.whole) text = text.slice(0, text.lastIndexOf("\n") + 1);
    if (!streamed && !text.endsWith("\n")) report("no newline at the end");
    try {
      for (const document of documents(text, streamed)) {
        if (isTrace(document)) continue;
        for (const problem of check(document)) report(problem);
      }
    } catch (error) {
      report(`not JSON: ${String(error)}`);
    }
    return problems;
  };
}

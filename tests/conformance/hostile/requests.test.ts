import { beforeAll, describe, expect, test } from "bun:test";
import type { Route } from "../../../src/server/http/route.ts";
import type { QueryField } from "../../../src/server/http/query.ts";
import { routes } from "../../../src/server/routes/table.ts";
import { targetIsDockerd, useDaemon } from "../daemon.ts";
import { hostileBodies } from "./hostile-bodies.ts";
import { backTo, holdings, requestBytes, statusOf } from "./raw-client.ts";

const daemon = useDaemon();
const call = (method: string, target: string, body?: string, headers?: Readonly<Record<string, string>>) =>
  statusOf(
    daemon.engine,
    requestBytes(method, target, {
      ...(body === undefined ? {} : { body }),
      ...(headers === undefined ? {} : { headers }),
    }),
  );

/** Ends at once when asked to. */
const obedient = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1000 & wait; done"];
let execId = "";

/** The objects are there and in the state that lets requests get far. */
async function ensureObjects(): Promise<void> {
  const status = (method: string, path: string, body?: unknown) =>
    call(method, path, body === undefined ? undefined : JSON.stringify(body));
  if ((await status("GET", "/containers/steady/json")) !== 200) {
    await status("POST", "/containers/create?name=steady", {
      Image: "busybox",
      Cmd: obedient,
      HostConfig: { NetworkMode: "none" },
    });
    execId = "";
  }
  await status("POST", "/containers/steady/unpause");
  await status("POST", "/containers/steady/start");
  await status("POST", "/containers/create?name=resting", { Image: "busybox", HostConfig: { NetworkMode: "none" } });
  await status("POST", "/networks/create", { Name: "steady-network" });
  await status("POST", "/volumes/create", { Name: "steady-volume" });
  await status("POST", "/images/busybox/tag?repo=steady-image&tag=1");
  if (execId === "")
    execId = (await daemon.api("POST", "/containers/steady/exec", { Cmd: ["cat"], AttachStdin: true })).json<{
      Id: string;
    }>().Id;
}

/** A name that is there for each kind of path. */
function validPart({ path, method }: Route): string {
  if (path.startsWith("/containers/")) return method === "DELETE" ? "resting" : "steady";
  if (path.startsWith("/exec/")) return execId;
  if (path.startsWith("/networks/")) return "steady-network";
  if (path.startsWith("/volumes/")) return "steady-volume";
  // Nothing listens there: it answers at once that it does not.
  if (path.endsWith("/push") || path.startsWith("/distribution/")) return "127.0.0.1:1/steady-image:1";
  return "steady-image:1";
}

const withPart = (path: string, part: string) => path.replaceAll(/\{\w+(?:\.\.\.)?\}/g, part);
const disturbs = /\/(?:stop|kill|restart|rename|pause|prune|disconnect|update|wait)$/;

/** What a single machine has not is answered with 501 or 503; Docker's unpause of what runs is a 500. */
function isRefusalOrAnswer(route: Route, status: number): boolean {
  if (status === 501 || status === 503) return true;
  if (status === 500) return route.path.endsWith("/unpause");
  return status === 101 ? route.hijack : status >= 200 && status < 500;
}

const badSegments = [
  "%00",
  "%zz",
  "%ff%fe",
  "..%2f..%2fetc",
  "a%0d%0aX:y",
  "x".repeat(5000),
  "%20",
  "%E2%80%AE",
  "UP:per/case:",
];
const badVersions = ["/v1.23", "/v1.51", "/v9.99", "/v1.x", "/v-1.41", "/v1.", "/v"];
const badBodies: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ["{", {}],
  ["[]", {}],
  ['"text"', {}],
  ["7", {}],
  ["[".repeat(50_000), {}],
  [`{"a":${'{"a":'.repeat(20_000)}`, {}],
  ["\0\0\0\0", {}],
  ["{}", { "Content-Type": "text/plain" }],
  [`{"Labels":{"x":${"9".repeat(400)}}`, {}],
];
const badHeaders: readonly Readonly<Record<string, string>>[] = [
  { "Content-Type": "\u00ff\u00fe" },
  { "X-Registry-Auth": "%%%", "X-Registry-Config": "bm9uc2Vuc2U=" },
  { "X-Registry-Auth": Buffer.from('{"auth":7,"username":[]}').toString("base64url") },
  { Upgrade: "h2c, tcp, websocket", "Sec-WebSocket-Version": "x", "Sec-WebSocket-Key": "" },
  { Accept: "application/json;q=zz,".repeat(200), Range: "bytes=9-1", "If-None-Match": '"'.repeat(500) },
  { Expect: "the-unexpected" },
];

/** Values no parameter of this kind takes. */
function badValues({ kind }: QueryField<unknown>): readonly string[] {
  if (kind === "integer") return ["x", "1e999", "9".repeat(40), "0x10", "1.5", "--1", "%00"];
  if (kind === "time") return ["x", "1e999", "NaN", "1.2.3", "2020-13-45T99:99:99Z", "%00"];
  if (kind === "json") return ["{", "%7B%22a%22%3A", "7x", "%00"];
  if (kind === "filters") return ["{", "7", "%22x%22", "%5B1%5D", "%7B%22label%22%3A7%7D", "%7B%22label%22%3A%5B7%5D%7D", "%7B%22status%22%3A%7B%22x%22%3A1%7D%7D"]; // prettier-ignore
  return [];
}

/** Values whose meaning is the handler's matter: any answer but a failure of the daemon's will do. */
const strangeValues = ["%zz", "%00", "..%2f..%2f..%2fetc%2fpasswd", "%ff%fe", "-1", "x".repeat(9000), "a%0d%0aX:y", "null", "[]"]; // prettier-ignore

/** `HOSTILE=whole`: every request there is, and every container that could be created is started too. */
const isWhole = process.env["HOSTILE"] === "whole";
const patienceMs = isWhole ? 1_800_000 : 120_000;
/** Of the suite's run each sixth; which ones changes with the list, and every kind comes with some route. */
const sampled = <Item>(items: readonly Item[], offset: number): readonly Item[] =>
  isWhole ? items : items.filter((_, index) => (index + offset) % 6 === 0);

/** Runs jobs four at a time; their problems together. */
async function problemsOf(jobs: readonly (() => Promise<string | undefined>)[]): Promise<readonly string[]> {
  const problems: string[] = [];
  let next = 0;
  const worker = async () => {
    for (;;) {
      const job = jobs[next++];
      if (job === undefined) return;
      const problem = await job();
      if (problem !== undefined) problems.push(problem);
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  return problems;
}

/** Everything malformed about one route, each as a request and whether only a refusal will do. */
function malformed(route: Route): readonly { readonly bytes: string; readonly mustRefuse: boolean }[] {
  const path = withPart(route.path, validPart(route));
  const requests: { bytes: string; mustRefuse: boolean }[] = [];
  const add = (mustRefuse: boolean, target: string, body?: string, headers: Readonly<Record<string, string>> = {}) =>
    requests.push({
      bytes: requestBytes(route.method, target, { body: body ?? (route.body === undefined ? "" : "{}"), headers }),
      mustRefuse,
    });
  if (route.path.includes("{") && route.method !== "OPTIONS")
    for (const segment of badSegments) add(true, withPart(route.path, segment));
  for (const version of badVersions) add(route.method !== "OPTIONS", `${version}${path}`);
  for (const [name, field] of Object.entries(route.query ?? {})) {
    for (const value of badValues(field)) add(true, `${path}?${name}=${value}`);
    for (const value of strangeValues) add(value === "%zz", `${path}?${name}=${value}`);
  }
  add(false, `${path}?&&&=&=${"&a=b".repeat(3000)}`);
  if (route.body !== undefined) for (const [body, headers] of badBodies) add(true, path, body, headers);
  else if (route.method !== "GET" && route.method !== "HEAD") for (const [body] of badBodies) add(false, path, body);
  for (const headers of badHeaders) add(false, path, undefined, headers);
  return requests;
}

// Versions and routes that 20.10 has not would be answered otherwise there, and dockerd says 500 to much of this.
describe.skipIf(targetIsDockerd)("what is malformed", () => {
  let before: ReadonlyMap<string, number> = new Map();
  beforeAll(() => {
    before = holdings(daemon.engine);
  });

  test(
    "about any route, with the objects it is about there, is refused and costs nothing",
    async () => {
      const problems: string[] = [];
      for (const [index, route] of routes.entries()) {
        // Base images are made from the network, and checking every layer is no answer to wait for.
        if (route.path.startsWith("/berth/v1/images") || route.path.startsWith("/berth/v1/system")) continue;
        await ensureObjects();
        const jobs = sampled(malformed(route), index).map(({ bytes, mustRefuse }) => async () => {
          const status = await statusOf(daemon.engine, bytes);
          const isFine = isRefusalOrAnswer(route, status) && (!mustRefuse || status >= 400);
          return isFine ? undefined : `${status} to ${bytes.slice(0, 200).replaceAll("\r\n", " | ")}`;
        });
        if (route.method === "DELETE" || disturbs.test(route.path))
          for (const job of jobs) {
            await ensureObjects();
            problems.push(...(await problemsOf([job])));
          }
        else problems.push(...(await problemsOf(jobs)));
      }
      expect(problems).toEqual([]);
      await removeMade(problems);
      expect(problems).toEqual([]);
      await backTo(before, daemon.engine);
    },
    patienceMs,
  );

  test(
    "in any field of any body is refused or borne",
    async () => {
      const problems: string[] = [];
      for (const [index, route] of routes.entries()) {
        if (route.body === undefined || route.path.startsWith("/berth/v1/images")) continue;
        await ensureObjects();
        const path = withPart(route.path, validPart(route));
        const target = route.path === "/commit" ? `${path}?container=steady` : path;
        const bodies = hostileBodies(route.body, baseBodies[route.path] ?? {});
        problems.push(
          ...(await problemsOf(
            sampled(bodies, index).map(({ field, body, isWrongType }) => async () => {
              const status = await call(route.method, target, body);
              const isFine = isRefusalOrAnswer(route, status) && (!isWrongType || status >= 400);
              return isFine ? undefined : `${status} to ${route.path} ${field} ${body.slice(0, 300)}`;
            }),
          )),
        );
        // What they made, hostile names and all, can be listed and taken away.
        await removeMade(problems);
      }
      expect(problems).toEqual([]);
      await backTo(before, daemon.engine);
    },
    patienceMs,
  );
});

/** The rest of a body whose one field is hostile. */
const baseBodies: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "/containers/create": { Image: "busybox", Cmd: ["true"], HostConfig: { NetworkMode: "none" } },
  "/containers/{id}/exec": { Cmd: ["true"] },
  "/networks/create": { Name: "hostile" },
  "/networks/{id}/connect": { Container: "steady" },
  "/networks/{id}/disconnect": { Container: "steady" },
  "/auth": { username: "x", password: "x", serveraddress: "127.0.0.1:1" },
};

/** Docker's answer to what the runtime, or a device's driver, could not do is a 500. */
const dockersOwn = /failed to create task for container|could not select device driver|CDI device injection failed/;

async function removeMade(problems: string[]): Promise<void> {
  const list = (await daemon.api("GET", "/containers/json?all=1")).json<
    { Id: string; State: string; Names: string[] }[]
  >();
  const jobs = list.map(({ Id }) => async () => {
    const answer = isWhole ? await daemon.api("POST", `/containers/${Id}/start`) : undefined;
    const failure =
      answer !== undefined && answer.status >= 500 && !dockersOwn.test(answer.text)
        ? `start ${answer.status}: ${answer.text}`
        : undefined;
    const removed = await call("DELETE", `/containers/${Id}?force=1&v=1`);
    return failure ?? (removed === 204 ? undefined : `remove ${removed} of ${Id}`);
  });
  problems.push(...(await problemsOf(jobs)));
  execId = "";
  const networks = (await daemon.api("GET", "/networks?filters=%7B%22type%22%3A%5B%22custom%22%5D%7D")).json<
    { Id: string }[]
  >();
  for (const { Id } of networks) await call("DELETE", `/networks/${Id}`);
  await call("POST", `/volumes/prune?filters=${encodeURIComponent('{"all":["1"]}')}`);
}

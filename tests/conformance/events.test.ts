import { describe, expect, test } from "bun:test";
import { eventually } from "../engines/command.ts";
import { client, uniqueName, useDaemon } from "./daemon.ts";

const daemon = useDaemon();

type Event = {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Record<string, string> };
  readonly status?: string;
  readonly id?: string;
  readonly from?: string;
  readonly time: number;
  readonly timeNano: number;
};

async function eventsSince(since: number, ...filters: string[]): Promise<Event[]> {
  const output = await daemon.ok(
    "events", "--since", String(since), "--until", String(Date.now() / 1000 + 0.3), "--format", "{{json .}}",
    ...filters.flatMap((filter) => ["--filter", filter]),
  ); // prettier-ignore
  return output.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Event]));
}

const now = () => Date.now() / 1000 - 0.05;

describe("events", () => {
  test("reach 32 listeners, all of them and in order", async () => {
    const since = Math.floor(Date.now() / 1000);
    const sockets = await Promise.all(Array.from({ length: 32 }, () => daemon.connect()));
    const texts = sockets.map(() => "");
    for (const [index, socket] of sockets.entries()) {
      socket.on("data", (chunk: Buffer) => (texts[index] += chunk.toString()));
      socket.write(
        `GET /events?since=${since}&filters=%7B%22type%22%3A%5B%22volume%22%5D%7D HTTP/1.1\r\nHost: x\r\n\r\n`,
      );
    }
    const names = Array.from({ length: 200 }, () => uniqueName());
    for (const Name of names) expect((await daemon.api("POST", "/volumes/create", { Name })).status).toBe(201);
    const seen = (index: number) =>
      [...(texts[index] ?? "").matchAll(/"Action":"create","Actor":\{"ID":"([^"]+)"/g)].map(([, name]) => name);
    await eventually("the last event", () => texts.every((_, index) => seen(index).length >= names.length));
    for (const index of texts.keys()) expect(seen(index).filter((name) => names.includes(name ?? ""))).toEqual(names);
    for (const socket of sockets) socket.destroy();
    await daemon.ok("volume", "rm", ...names);
  }, 60_000);

  test("tell a container's life in order, with attributes", async () => {
    const name = uniqueName();
    const since = now();
    const id = await daemon.ok(
      "run",
      "-d",
      "--name",
      name,
      "-l",
      "tier=web",
      "busybox",
      "sh",
      "-c",
      "sleep 0.3; exit 3",
    );
    await daemon.ok("wait", name);
    await daemon.ok("rm", name);
    const events = await eventsSince(since, `container=${name}`);
    expect(events.map(({ Action }) => Action)).toEqual(["create", "start", "die", "destroy"]);
    for (const event of events) {
      expect(event.Type).toBe("container");
      expect(event.Actor.ID).toBe(id);
      expect(event.Actor.Attributes).toMatchObject({ name, image: "busybox", tier: "web" });
      expect(Math.floor(event.timeNano / 1e9)).toBe(event.time);
    }
    expect(events[2]?.Actor.Attributes["exitCode"]).toBe("3");
  });

  test("older clients find status, id and from", async () => {
    const since = now();
    await daemon.ok("run", "--rm", "busybox", "true");
    const [event] = await eventsSince(since, "event=create");
    expect(event).toMatchObject({ status: "create", from: "busybox" });
    expect(event?.id).toMatch(/^[0-9a-f]{64}$/);
  });

  test("kill, stop, pause, rename, exec and network events", async () => {
    const name = uniqueName();
    const since = now();
    await daemon.ok("run", "-d", "--name", name, "busybox", "sleep", "1000");
    await daemon.ok("exec", name, "true");
    await daemon.ok("pause", name);
    await daemon.ok("unpause", name);
    await daemon.ok("rename", name, `${name}-b`);
    await daemon.ok("stop", "-t", "0", `${name}-b`);
    await daemon.ok("rm", `${name}-b`);
    const actions = (await eventsSince(since, "type=container")).map(({ Action }) => Action.trim());
    for (const action of [
      "create",
      "start",
      "exec_create: true",
      "exec_start: true",
      "exec_die",
      "pause",
      "unpause",
      "rename",
      "kill",
      "die",
      "stop",
      "destroy",
    ])
      expect(actions).toContain(action);
    const network = (await eventsSince(since, "type=network")).map(({ Action }) => Action);
    expect(network).toEqual(["connect", "disconnect"]);
  });

  test("volumes and images have events", async () => {
    const since = now();
    const volume = uniqueName("volume");
    await daemon.ok("volume", "create", volume);
    await daemon.ok("volume", "rm", volume);
    await daemon.ok("tag", "busybox", "for-events:v1");
    await daemon.ok("rmi", "for-events:v1");
    expect((await eventsSince(since, "type=volume")).map(({ Action }) => Action)).toEqual(["create", "destroy"]);
    expect((await eventsSince(since, "type=image")).map(({ Action }) => Action)).toEqual(["tag", "untag"]);
  });

  test("arrive live, filtered by label", async () => {
    // From now on, whenever the client has connected.
    const filters = ["--since", String(now()), "--filter", "label=live=yes"];
    const child = Bun.spawn([client, "events", ...filters, "--format", "{{.Action}}"], {
      env: { ...process.env, ...daemon.environment },
      stdout: "pipe",
    });
    await daemon.ok("run", "--rm", "busybox", "true");
    await daemon.ok("run", "--rm", "-l", "live=yes", "busybox", "true");
    let text = "";
    const reader = child.stdout.getReader();
    while (!text.includes("destroy")) text += new TextDecoder().decode((await reader.read()).value);
    expect(text.split("\n")[0]).toBe("create");
    expect(text.match(/create/g)?.length).toBe(1);
    child.kill("SIGKILL");
    await child.exited;
  });

  test("health changes are events", async () => {
    const since = now();
    const name = uniqueName();
    await daemon.ok(
      "run",
      "-d",
      "--name",
      name,
      "--health-cmd",
      "true",
      "--health-interval",
      "200ms",
      "busybox",
      "sleep",
      "1000",
    );
    await eventually("health", async () =>
      (await eventsSince(since, "event=health_status")).some(({ Action }) => Action === "health_status: healthy"),
    );
    await daemon.ok("rm", "-f", name);
  });

  test("headers come at once; an impossible range is refused", async () => {
    const response = await fetch("http://localhost/events", { unix: daemon.engine.socket });
    expect(response.status).toBe(200);
    await response.body?.cancel();
    expect((await daemon.api("GET", "/events?since=200&until=100")).status).toBe(400);
  });
});

import { expect, test } from "bun:test";
import { type ApiAnswer, uniqueName, useDaemon } from "../conformance/daemon.ts";
import { eventually } from "../engines/command.ts";

const daemon = useDaemon();

type Event = { readonly Action: string; readonly Actor: { readonly ID: string } };

async function create(name: string, body: Record<string, unknown>): Promise<string> {
  const answer = await daemon.api("POST", `/containers/create?name=${name}`, { Image: "busybox", ...body });
  expect(answer.status).toBe(201);
  return answer.json<{ Id: string }>().Id;
}

/** What happened to a container so far. */
async function eventsOf(id: string): Promise<readonly string[]> {
  const filters = encodeURIComponent(JSON.stringify({ container: [id], type: ["container"] }));
  const until = Math.floor(Date.now() / 1000) + 1;
  const { text } = await daemon.api("GET", `/events?since=0&until=${until}&filters=${filters}`);
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as Event).Action);
}

const count = (actions: readonly string[], action: string) => actions.filter((one) => one === action).length;

test("start, stop, kill, restart, rename, rm and inspect of one container at once never fail inside", async () => {
  const unexpected: string[] = [];
  const allowed = new Set([200, 201, 204, 304, 404, 409]);
  for (let round = 0; round < 8; round++) {
    const name = uniqueName("race");
    const id = await create(name, { Cmd: ["sh", "-c", "usleep 50000"] });
    const operations = [
      ["POST", `/containers/${id}/start`],
      ["POST", `/containers/${id}/start`],
      ["POST", `/containers/${id}/stop?t=0`],
      ["POST", `/containers/${id}/stop?t=0`],
      ["POST", `/containers/${id}/kill`],
      ["POST", `/containers/${id}/restart?t=0`],
      ["POST", `/containers/${id}/rename?name=`],
      ["POST", `/containers/${id}/pause`],
      ["GET", `/containers/${id}/json`],
      ["POST", `/containers/${id}/wait`],
      ["GET", `/containers/json?all=1`],
    ] as const;
    const ask = async ([method, path]: readonly [string, string]) => {
      const target = path.endsWith("name=") ? `${path}${uniqueName("renamed")}` : path;
      const answer: ApiAnswer = await daemon.api(method, target);
      if (!allowed.has(answer.status)) unexpected.push(`${method} ${path}: ${answer.status} ${answer.text}`);
    };
    await Promise.all(
      Array.from({ length: 3 }, () => operations.map(ask))
        .flat()
        .concat(
          Bun.sleep(60)
            .then(() => ask(["POST", `/containers/${id}/unpause`]))
            .catch(() => {}),
          Bun.sleep(150).then(() => ask(["DELETE", `/containers/${id}?force=1`])),
          Bun.sleep(150).then(() => ask(["DELETE", `/containers/${id}?force=1`])),
        ),
    );
    expect((await daemon.api("GET", `/containers/${id}/json`)).status).toBe(404);
    const actions = await eventsOf(id);
    expect(count(actions, "die")).toBe(count(actions, "start"));
    expect(count(actions, "destroy")).toBe(1);
  }
  // Unpausing what is not paused is an error inside in Docker's API too.
  expect(unexpected.filter((one) => !one.includes("is not paused"))).toEqual([]);
}, 60_000);

test("100 creates of one name at once: one container, 99 conflicts that name it", async () => {
  const name = uniqueName("same");
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => daemon.api("POST", `/containers/create?name=${name}`, { Image: "busybox" })),
  );
  const made = answers.filter(({ status }) => status === 201);
  expect(made).toHaveLength(1);
  const id = made[0]?.json<{ Id: string }>().Id ?? "";
  const refused = answers.filter(({ status }) => status === 409);
  expect(refused).toHaveLength(99);
  for (const { text } of refused) expect(text).toContain(id);
  await daemon.ok("rm", name);
});

test("rm -f while a container is being started removes it, with one die for one start", async () => {
  for (let round = 0; round < 10; round++) {
    const id = await create(uniqueName("removed"), { Cmd: ["sleep", "1000"] });
    const [start, remove] = await Promise.all([
      daemon.api("POST", `/containers/${id}/start`),
      Bun.sleep(round * 3).then(() => daemon.api("DELETE", `/containers/${id}?force=1`)),
    ]);
    expect([204, 404, 409]).toContain(start.status);
    expect(remove.status).toBe(204);
    expect((await daemon.api("GET", `/containers/${id}/json`)).status).toBe(404);
    const actions = await eventsOf(id);
    expect(count(actions, "die")).toBe(count(actions, "start"));
  }
}, 30_000);

test("rm without force never removes what is being started", async () => {
  for (let round = 0; round < 10; round++) {
    const id = await create(uniqueName("kept"), { Cmd: ["sleep", "1000"] });
    const [start, remove] = await Promise.all([
      daemon.api("POST", `/containers/${id}/start`),
      Bun.sleep(round * 2).then(() => daemon.api("DELETE", `/containers/${id}`)),
    ]);
    expect([
      [204, 409],
      [409, 204],
      [404, 204],
    ]).toContainEqual([start.status, remove.status]);
    await daemon.api("DELETE", `/containers/${id}?force=1`);
  }
}, 30_000);

test("two stops at once both succeed, and the container dies once", async () => {
  const id = await create(uniqueName("stopped"), { Cmd: ["sleep", "1000"] });
  await daemon.api("POST", `/containers/${id}/start`);
  const stops = await Promise.all([1, 2, 3].map(() => daemon.api("POST", `/containers/${id}/stop?t=0`)));
  for (const { status } of stops) expect([204, 304]).toContain(status);
  expect(count(await eventsOf(id), "die")).toBe(1);
  await daemon.api("DELETE", `/containers/${id}`);
});

test("30 containers that end at once under a restart policy leave the daemon responsive, and stop wins", async () => {
  const ids = await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      create(uniqueName("storm"), {
        Cmd: ["false"],
        HostConfig: {
          RestartPolicy: index % 2 === 0 ? { Name: "always" } : { Name: "on-failure", MaximumRetryCount: 3 },
        },
      }),
    ),
  );
  await Promise.all(ids.map((id) => daemon.api("POST", `/containers/${id}/start`)));
  let slowest = 0;
  for (let look = 0; look < 40; look++) {
    const begun = performance.now();
    expect((await daemon.api("GET", "/_ping")).status).toBe(200);
    slowest = Math.max(slowest, performance.now() - begun);
    await Bun.sleep(50);
  }
  console.log(`slowest _ping in the storm: ${slowest.toFixed(0)} ms`);
  const limited = ids.filter((_, index) => index % 2 === 1);
  for (const id of limited) {
    await eventually(
      "on-failure:3 to give up",
      async () => {
        const { State, RestartCount } = (await daemon.api("GET", `/containers/${id}/json`)).json<{
          State: { Status: string; ExitCode: number };
          RestartCount: number;
        }>();
        return State.Status === "exited" && State.ExitCode === 1 && RestartCount === 3;
      },
      20_000,
    );
  }
  const stops = await Promise.all(ids.map((id) => daemon.api("POST", `/containers/${id}/stop?t=0`)));
  for (const { status } of stops) expect([204, 304]).toContain(status);
  // None may come back: what was stopped stays so beyond the longest pause that stood in line.
  await Bun.sleep(500);
  expect(await daemon.ok("ps", "-q")).toBe("");
  await Promise.all(ids.map((id) => daemon.api("DELETE", `/containers/${id}?force=1`)));
}, 60_000);

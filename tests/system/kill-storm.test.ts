import { expect, test } from "bun:test";
import { useDaemon } from "../conformance/daemon.ts";
import { eventually } from "../engines/command.ts";
import { processesNaming, signalProcess } from "../engines/process.ts";
import { differences, snapshot } from "./leak-oracle.ts";

const daemon = useDaemon();
const kills = Number(process.env["KILLS"] ?? 100);

type Summary = { readonly Id: string; readonly Names: readonly string[]; readonly State: string };
type State = {
  readonly Status: string;
  readonly Running: boolean;
  readonly Pid: number;
  readonly ExitCode: number;
  readonly Error: string;
};

/** A request that may meet a daemon that is not there; undefined then. */
async function attempt<Answer>(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Answer } | undefined> {
  try {
    const answer = await daemon.api(method, path, body);
    return { status: answer.status, body: (answer.text === "" ? undefined : JSON.parse(answer.text)) as Answer };
  } catch {
    return undefined; // killed under the request: nothing was acknowledged
  }
}

const inspect = async (id: string) =>
  (await daemon.api("GET", `/containers/${id}/json`)).json<{ State: State }>().State;

const supervisors = () => processesNaming(daemon.engine.execRoot).filter(({ command }) => / supervisor /.test(command));

test(`${kills} kills of daemon, supervisor or both lose nothing that was acknowledged`, async () => {
  const before = await snapshot(daemon.engine);
  const counters = await Promise.all(
    [1, 2, 3, 4].map(
      (index) =>
      daemon.ok(
        "run", "-d", "--name", `counter-${index}`, "busybox", "sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; usleep 3000; done",
      ), // prettier-ignore
    ),
  );
  const pids = new Map(await Promise.all(counters.map(async (id) => [id, (await inspect(id)).Pid] as const)));

  /** What the API has acknowledged: id → the code it must end with, once its start was acknowledged. */
  const acknowledged = new Map<string, number | undefined>();
  const removed = new Set<string>();
  const doubtful = new Set<string>();
  const storm = new AbortController();
  const worker = async (lane: number): Promise<void> => {
    for (let round = 0; !storm.signal.aborted; round += 1) {
      const code = (lane * 31 + round) % 200;
      const created = await attempt<{ Id: string }>("POST", `/containers/create?name=work-${lane}-${round}`, {
        Image: "busybox",
        Cmd: ["sh", "-c", `echo from ${code}; usleep ${(round % 5) * 40_000}; exit ${code}`],
      });
      if (created?.status !== 201) {
        await Bun.sleep(20);
        continue;
      }
      const id = created.body.Id;
      acknowledged.set(id, undefined);
      const started = await attempt("POST", `/containers/${id}/start`);
      if (started?.status === 204) acknowledged.set(id, code);
      if (round % 4 === 3) {
        doubtful.add(id); // from here on it may be gone even if the answer was lost
        if ((await attempt("DELETE", `/containers/${id}?force=1`))?.status === 204) removed.add(id);
      }
      await Bun.sleep(10);
    }
  };
  const workers = [1, 2, 3].map(worker);

  let random = 12345;
  const next = (below: number) => {
    random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
    return random % below;
  };
  for (let kill = 0; kill < kills; kill += 1) {
    await Bun.sleep(next(200));
    const which = ["daemon", "supervisor", "both"][next(3)];
    if (which !== "daemon") for (const { pid } of supervisors()) signalProcess(pid, "SIGKILL");
    if (which !== "supervisor") {
      await daemon.engine.kill();
      await daemon.engine.start();
    }
  }
  storm.abort();
  await Promise.all(workers);
  await eventually("a supervisor", () => supervisors().length === 1);

  const list = (await daemon.api("GET", "/containers/json?all=1")).json<Summary[]>();
  const known = new Set(list.map(({ Id }) => Id));
  const wrong: string[] = [];
  for (const id of removed) if (known.has(id)) wrong.push(`${id} was removed and is still listed`);
  for (const [id, code] of acknowledged) {
    if (doubtful.has(id)) continue;
    if (!known.has(id)) wrong.push(`${id} was created and is gone`);
    else if (code !== undefined) {
      const state = await eventually(`the end of ${id}`, async () => {
        const now = await inspect(id);
        return now.Running ? undefined : now;
      });
      const lost = [137, 255].includes(state.ExitCode) && state.Error !== "";
      if (state.Status !== "exited" || (state.ExitCode !== code && !lost))
        wrong.push(`${id} should have ended with ${code}: ${JSON.stringify(state)}`);
    }
  }
  expect(wrong).toEqual([]);

  for (const id of counters) {
    const state = await inspect(id);
    expect([state.Status, state.Pid]).toEqual(["running", pids.get(id) ?? 0]);
    await daemon.ok("kill", id);
    const lines = (await daemon.ok("logs", id)).split("\n").map(Number);
    const gaps = lines.flatMap((line, index) => (line === index + 1 ? [] : [`line ${index + 1} is ${line}`]));
    expect(gaps.slice(0, 3)).toEqual([]);
    expect(lines.length).toBeGreaterThan(500);
  }

  await daemon.ok("rm", "-f", ...list.map(({ Id }) => Id));
  expect(await differences(before, daemon.engine)).toEqual([]);
}, 280_000);

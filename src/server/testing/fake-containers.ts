import { EngineError, nowNanoseconds } from "#base";
import type { Engine } from "#engine";
import { fakeContainer, runningState } from "./fake-container.ts";
import type { FakeState } from "./fake-state.ts";

/** Containers that are rows alone. */
export function fakeContainers(fake: FakeState): Engine["containers"] {
  return {
    async create(request) {
      fake.record("create", request);
      if (fake.findImage(request.body.Image ?? "") === undefined) fake.getImage(request.body.Image ?? "");
      const view = fakeContainer({
        name: request.name ?? "brave_test",
        config: request.body,
        hostConfig: request.body.HostConfig ?? {},
        state: { status: "created", running: false, startedAt: undefined, pid: 0 },
      });
      fake.views.set(view.id, view);
      return { id: view.id, warnings: [] };
    },
    async start(reference) {
      fake.record("start", reference);
      const view = fake.getContainer(reference);
      if (view.state.running) throw new EngineError("not-modified", "fake", "container already started");
      fake.views.set(view.id, { ...view, state: runningState() });
    },
    async stop(reference, options) {
      fake.record("stop", reference, options);
      fake.getContainer(reference);
    },
    async restart(reference, options) {
      fake.record("restart", reference, options);
    },
    async kill(reference, signal) {
      fake.record("kill", reference, signal);
    },
    async pause(reference) {
      fake.record("pause", reference);
    },
    async unpause(reference) {
      fake.record("unpause", reference);
    },
    async wait(reference, condition, signal) {
      fake.record("wait", reference, condition, signal);
      fake.getContainer(reference);
      return { result: Promise.resolve({ exitCode: 3 }) };
    },
    async remove(reference, options) {
      fake.record("remove", reference, options);
      fake.views.delete(fake.getContainer(reference).id);
    },
    async rename(reference, name) {
      fake.record("rename", reference, name);
    },
    async update(reference, body) {
      fake.record("update", reference, body);
      return { warnings: [] };
    },
    async attach(reference, options) {
      fake.record("attach", reference, options);
      return fake.nextProcess();
    },
    async resize(reference, size) {
      fake.record("resize", reference, size);
    },
    get: fake.getContainer,
    list: (which) =>
      [...fake.views.values()]
        .filter((view) => which !== "running" || view.state.running)
        .sort((a, b) => (a.created < b.created ? 1 : -1))
        .values(),
    findName: (id) => fake.views.get(id)?.name,
    directories: () => ({ UpperDir: "/u" }),
    sizes: async () => ({ writableBytes: 10, rootFsBytes: 1010 }),
    async logs(reference, options) {
      fake.record("logs", reference, options);
      const view = fake.getContainer(reference);
      return {
        terminal: view.config.Tty === true,
        records: (async function* () {
          yield* fake.logRecords;
          if (options.follow && options.signal?.aborted === false)
            await new Promise((resolve) => options.signal?.addEventListener("abort", resolve));
        })(),
      };
    },
    async stats(reference) {
      const view = fake.getContainer(reference);
      return {
        read: nowNanoseconds(),
        id: view.id,
        name: view.name,
        systemCpuUsage: 10_000_000n,
        onlineCpus: 2,
        cgroup: view.state.running
          ? {
              cpu: {
                usage: 1000n,
                user: 600n,
                system: 400n,
                perCpu: [500n, 500n],
                periods: 1,
                throttledPeriods: 0,
                throttledTime: 0n,
              },
              memory: {
                usageBytes: 4096,
                maxUsageBytes: 8192,
                failCount: 0,
                limitBytes: 1 << 20,
                detail: { cache: 1 },
              },
              pids: { current: 2, limit: undefined },
              blkio: { serviceBytes: [{ major: 8, minor: 0, op: "Read", value: 1 }], serviced: [] },
            }
          : undefined,
        interfaces: {
          eth0: {
            rxBytes: 1,
            rxPackets: 2,
            rxErrors: 0,
            rxDropped: 0,
            txBytes: 3,
            txPackets: 4,
            txErrors: 0,
            txDropped: 0,
          },
        },
      };
    },
    async top(reference, psArgs) {
      fake.record("top", reference, psArgs);
      return { titles: ["PID", "CMD"], processes: [["1", "sh"]] };
    },
    async prune(keep) {
      const gone = [...fake.views.values()].filter((view) => !view.state.running && !keep(view));
      return { deleted: gone.map((view) => view.id), reclaimedBytes: 7 };
    },
  };
}

import { newId } from "#base";
import type { Engine } from "#engine";
import { type FakeState, notFound } from "./fake-state.ts";

/** Execs that end with 7 as soon as they start. */
export function fakeExecs(fake: FakeState): Engine["execs"] {
  const execs = new Map<string, ReturnType<Engine["execs"]["get"]>>();
  const service: Engine["execs"] = {
    async create(container, body) {
      fake.record("exec create", container, body);
      const id = newId();
      execs.set(id, {
        id,
        containerId: fake.getContainer(container).id,
        running: false,
        exitCode: null,
        pid: 0,
        body,
        user: body.User ?? "",
        canRemove: false,
      });
      return id;
    },
    async start(id, options) {
      fake.record("exec start", id, options);
      const exec = service.get(id);
      execs.set(id, { ...exec, exitCode: 7 });
      return options.detach ? undefined : fake.nextProcess();
    },
    async resize(id, size) {
      fake.record("exec resize", id, size);
      service.get(id);
    },
    get(id) {
      const exec = execs.get(id);
      if (exec === undefined) throw notFound(`No such exec instance: ${id}`);
      return exec;
    },
  };
  return service;
}

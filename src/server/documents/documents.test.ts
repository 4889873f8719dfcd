import { describe, expect, test } from "bun:test";
import { nowNanoseconds } from "#base";
import { fakeContainer } from "../testing/fake-container.ts";
import { containerInspect } from "./container-inspect.ts";
import { commandLine, statusProse } from "./container-status.ts";
import { eventLine } from "./event.ts";
import { networkSettings, portSummaries } from "./networking.ts";

const now = 1_700_000_000_000;
const ago = (seconds: number) => BigInt(now - seconds * 1000) * 1_000_000n;
const base = fakeContainer().state;
const stopped = { ...base, running: false, status: "exited" as const, startedAt: ago(60), pid: 0 };

describe("statusProse", () => {
  const health = { failingStreak: 0, log: [] };
  test.each([
    [{ ...base, startedAt: ago(300) }, "Up 5 minutes"],
    [{ ...base, startedAt: ago(1) }, "Up 1 second"],
    [{ ...base, startedAt: ago(300), health: { ...health, status: "healthy" as const } }, "Up 5 minutes (healthy)"],
    [
      { ...base, startedAt: ago(300), health: { ...health, status: "starting" as const } },
      "Up 5 minutes (health: starting)",
    ],
    [{ ...base, startedAt: ago(300), paused: true }, "Up 5 minutes (Paused)"],
    [{ ...base, restarting: true, exitCode: 1, finishedAt: ago(2) }, "Restarting (1) 2 seconds ago"],
    [{ ...stopped, exitCode: 0, finishedAt: ago(3) }, "Exited (0) 3 seconds ago"],
    [{ ...stopped, startedAt: undefined, status: "created" as const }, "Created"],
    [{ ...stopped, dead: true }, "Dead"],
    [{ ...stopped, status: "removing" as const }, "Removal In Progress"],
  ])("%#", (state, prose) => {
    expect(statusProse(state, now)).toBe(prose);
  });
});

describe("commandLine", () => {
  test("quotes arguments with spaces", () => {
    expect(commandLine("sh", ["-c", "echo hi", "x"])).toBe("sh -c 'echo hi' x");
    expect(commandLine("top", [])).toBe("top");
  });
});

describe("ports", () => {
  const container = fakeContainer();
  test("of a list have no public port when only exposed", () => {
    expect(portSummaries(container)).toEqual([
      { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
      { PrivatePort: 81, Type: "tcp" },
    ]);
  });
  test("of inspect are null when only exposed", () => {
    expect(networkSettings(container, 50).Ports).toEqual({
      "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }],
      "81/tcp": null,
    });
  });
  test("of a stopped container are none", () => {
    const still = fakeContainer({ state: { running: false } });
    expect(portSummaries(still)).toEqual([]);
    expect(networkSettings(still, 50).Ports).toEqual({});
  });
});

describe("containerInspect", () => {
  test("has every key clients know, null fields filled with Go's zero", () => {
    const document = containerInspect(fakeContainer({ hostConfig: { Memory: 5, NetworkMode: null } }), undefined, 50);
    expect(document.HostConfig).toMatchObject({ Memory: 5, NetworkMode: "bridge", ShmSize: 67_108_864 });
    expect(document.ExecIDs).toBeNull();
    expect(document.State.FinishedAt).toBe("0001-01-01T00:00:00Z");
    expect("Health" in document.State).toBe(false);
    expect(document.Name).toBe("/web");
    expect(document.Platform).toBe("linux");
  });

  test("keeps the short id among the aliases below 1.45", () => {
    const view = fakeContainer();
    const [place] = view.networks;
    if (place === undefined) throw new Error("no network");
    const custom = fakeContainer({
      networks: [{ ...place, networkName: "mine", settings: { Aliases: ["db"] }, dnsNames: ["web", "db"] }],
    });
    const aliases = (version: number) =>
      containerInspect(custom, undefined, version).NetworkSettings.Networks["mine"]?.Aliases;
    expect(aliases(44)).toEqual(["db", custom.id.slice(0, 12)]);
    expect(aliases(45)).toEqual(["db"]);
  });
});

describe("eventLine", () => {
  test("keeps all digits of the time and the fields old clients read", () => {
    const line = eventLine({
      type: "container",
      action: "start",
      actor: { id: "abc", attributes: { image: "debian", name: "web" } },
      time: 1_700_000_000_123_456_789n,
    });
    expect(line).toBe(
      '{"status":"start","id":"abc","from":"debian","Type":"container","Action":"start","Actor":{"ID":"abc","Attributes":{"image":"debian","name":"web"}},"scope":"local","time":1700000000,"timeNano":1700000000123456789}\n',
    );
    expect(
      eventLine({ type: "network", action: "connect", actor: { id: "n", attributes: {} }, time: nowNanoseconds() }),
    ).not.toContain("status");
  });
});

import { describe, expect, test } from "bun:test";
import { openDatabase } from "#db";
import { newContainer } from "./container.ts";
import { openRegistry } from "./registry.ts";

function open() {
  const database = openDatabase(":memory:");
  const fail = (id: string, error: unknown) => {
    throw new Error(`row ${id} is corrupt`, { cause: error });
  };
  return { database, registry: openRegistry(database, fail), reopen: () => openRegistry(database, fail) };
}

const document = {
  created: 1_700_000_000_123_456_789n,
  path: "sh",
  args: [],
  imageId: `sha256:${"a".repeat(64)}`,
  imageName: "busybox",
  diffIds: [],
  config: {},
  hostConfig: {},
  mounts: [],
  networkRequests: {},
};

const idOf = (prefix: string) => prefix.padEnd(64, "0");

describe("openRegistry()", () => {
  test("finds by full id, name, slashed name and unique prefix", () => {
    const { registry } = open();
    registry.add(newContainer(idOf("abc1"), registry.claimName("web", idOf("abc1")), document));
    for (const reference of [idOf("abc1"), "web", "/web", "abc", "abc1"]) {
      expect(registry.get(reference).name).toBe("web");
    }
  });

  test("never matches a name by prefix and says what was not found", () => {
    const { registry } = open();
    registry.add(newContainer(idOf("abc1"), registry.claimName("web", idOf("abc1")), document));
    expect(() => registry.get("we")).toThrow("No such container: we");
  });

  test("refuses an ambiguous prefix", () => {
    const { registry } = open();
    registry.add(newContainer(idOf("abc1"), registry.claimName("one", idOf("abc1")), document));
    registry.add(newContainer(idOf("abc2"), registry.claimName("two", idOf("abc2")), document));
    expect(() => registry.get("abc")).toThrow("multiple IDs found with provided prefix: abc");
  });

  test("gives a name to one of two creates under way", () => {
    const { registry } = open();
    registry.claimName("web", idOf("1"));
    expect(() => registry.claimName("web", idOf("2"))).toThrow(
      `Conflict. The container name "/web" is already in use by container "${idOf("1")}"`,
    );
    registry.releaseName("web");
    expect(registry.claimName("web", idOf("2"))).toBe("web");
  });

  test.each(["a", "-web", "we b", "../x", ""])("refuses or replaces the name %p", (name) => {
    const { registry } = open();
    if (name === "") expect(registry.claimName(name, idOf("1"))).toMatch(/^[a-z]+_[a-z]+$/);
    else expect(() => registry.claimName(name, idOf("1"))).toThrow("Invalid container name");
  });

  test("keeps everything over a restart, nanoseconds included", () => {
    const { registry, reopen } = open();
    const container = newContainer(idOf("abc1"), registry.claimName("web", idOf("abc1")), document);
    registry.add(container);
    container.life.status = "exited";
    container.life.exitCode = 3;
    container.life.startedAt = 1_700_000_001_000_000_001n;
    registry.saveLife(container);
    registry.rename(container, "api");
    const again = reopen().get("api");
    expect(again.document.created).toBe(document.created);
    expect(again.life).toEqual(container.life);
  });
});

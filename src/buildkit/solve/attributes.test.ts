import { describe, expect, test } from "bun:test";
import { readAttributes } from "./attributes.ts";

const read = (attributes: Record<string, string>) => readAttributes(new Map(Object.entries(attributes)));

describe("readAttributes", () => {
  test("reads what the front end's clients send", () => {
    expect(
      read({
        filename: "docker/Dockerfile",
        target: "dist",
        "build-arg:A": "1",
        "build-arg:B": "",
        "label:l": "x=y",
        "no-cache": "one, two",
        "image-resolve-mode": "pull",
        "force-network-mode": "host",
        "add-hosts": "a=1.2.3.4,b=host-gateway",
        "shm-size": "1048576",
        ulimit: "nofile=10:20,core=0",
        platform: "linux/arm64",
        memory: "1000",
        cpusetcpus: "0-1",
        "vcs:source": "https://example.com",
      }),
    ).toMatchObject({
      call: "build",
      dockerfile: "docker/Dockerfile",
      target: "dist",
      buildArgs: { A: "1", B: "" },
      labels: { l: "x=y" },
      noCache: false,
      noCacheFilter: ["one", "two"],
      pull: true,
      networkMode: "host",
      extraHosts: ["a=1.2.3.4", "b=host-gateway"],
      shmSizeBytes: 1_048_576,
      ulimits: [
        { Name: "nofile", Soft: 10, Hard: 20 },
        { Name: "core", Soft: 0, Hard: 0 },
      ],
      platform: "linux/arm64",
      resources: { Memory: 1000, CpusetCpus: "0-1" },
    });
    expect(read({ "no-cache": "" }).noCache).toBe(true);
    expect(read({ requestid: "frontend.lint" }).call).toBe("check");
    expect(read({ "force-network-mode": "sandbox" }).networkMode).toBeUndefined();
  });

  test.each([
    [{ nonsense: "1" }, "nonsense"],
    [{ "shm-size": "64m" }, "shm-size"],
    [{ ulimit: "nofile" }, "ulimit"],
    [{ "image-resolve-mode": "often" }, "image-resolve-mode"],
    [{ memory: "1g" }, "memory"],
  ])("refuses %j by name", (attributes, name) => {
    expect(() => read(attributes as unknown as Record<string, string>)).toThrow(name);
  });
});

import { describe, expect, test } from "bun:test";
import type { CreateContainerBody } from "#formats";
import { asOfVersion } from "./create-compatibility.ts";

const on = (version: number, body: CreateContainerBody, cgroupVersion: "1" | "2" = "1") =>
  asOfVersion({ Image: "x", ...body }, version, () => cgroupVersion);
const hostConfig = (version: number, given: NonNullable<CreateContainerBody["HostConfig"]>, cgroup: "1" | "2" = "1") =>
  on(version, { HostConfig: given }, cgroup).body.HostConfig;

describe("a create request means what its version meant", () => {
  test("below 1.25 the client removes", () => {
    expect(hostConfig(24, { AutoRemove: true })?.AutoRemove).toBe(false);
    expect(hostConfig(25, { AutoRemove: true })?.AutoRemove).toBe(true);
  });

  test("defaults that changed", () => {
    expect(hostConfig(39, {})).toMatchObject({ IpcMode: "shareable", CgroupnsMode: "host" });
    expect(hostConfig(40, {})).toMatchObject({ CgroupnsMode: "host" });
    expect(hostConfig(40, {})?.IpcMode).toBeUndefined();
    expect(hostConfig(40, {}, "2")?.CgroupnsMode).toBeUndefined();
    expect(hostConfig(41, {})?.CgroupnsMode).toBeUndefined();
    expect(hostConfig(39, { IpcMode: "none", CgroupnsMode: "private" })).toMatchObject({
      IpcMode: "none",
      CgroupnsMode: "private",
    });
  });

  test("fields that came later are ignored", () => {
    expect(hostConfig(41, { ConsoleSize: [1, 2] })?.ConsoleSize).toBeUndefined();
    expect(hostConfig(42, { ConsoleSize: [1, 2] })?.ConsoleSize).toEqual([1, 2]);
    expect(hostConfig(42, { KernelMemory: 5 })?.KernelMemory).toBeUndefined();
    expect(hostConfig(42, { Annotations: { a: "b" } })?.Annotations).toBeUndefined();
    expect(hostConfig(43, { Annotations: { a: "b" } })?.Annotations).toEqual({ a: "b" });
    expect(on(43, { Healthcheck: { StartInterval: 9, Retries: 2 } }).body.Healthcheck).toEqual({
      StartInterval: 0,
      Retries: 2,
    });
  });

  // subtle 99
  test("blocks of another mount type are dropped below 1.42 and refused since", () => {
    const Mounts = [{ Type: "bind" as const, Source: "/a", Target: "/b", VolumeOptions: { NoCopy: true } }];
    expect(hostConfig(41, { Mounts })?.Mounts?.[0]?.VolumeOptions).toBeUndefined();
    expect(() => hostConfig(42, { Mounts })).toThrow('VolumeOptions must not be specified on mount type "bind"');
  });

  test("read-only was not recursive below 1.44; subpaths came with 1.45", () => {
    const mount = { Type: "bind" as const, Source: "/a", Target: "/b", ReadOnly: true };
    expect(hostConfig(43, { Mounts: [mount] })?.Mounts?.[0]?.BindOptions?.ReadOnlyNonRecursive).toBe(true);
    expect(hostConfig(44, { Mounts: [mount] })?.Mounts?.[0]?.BindOptions).toBeUndefined();
    expect(() => hostConfig(43, { Mounts: [{ ...mount, BindOptions: { ReadOnlyForceRecursive: true } }] })).toThrow(
      "BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer",
    );
    expect(() =>
      hostConfig(44, { Mounts: [{ Type: "volume", Target: "/b", VolumeOptions: { Subpath: "x" } }] }),
    ).toThrow("VolumeOptions.Subpath needs API v1.45 or newer");
  });

  // subtle 101
  test("several networks from 1.44 on", () => {
    const NetworkingConfig = { EndpointsConfig: { one: {}, two: {} } };
    expect(() => on(43, { NetworkingConfig })).toThrow(
      "Container cannot be created with multiple network endpoints: one, two",
    );
    expect(on(44, { NetworkingConfig }).body.NetworkingConfig?.EndpointsConfig).toEqual({ one: {}, two: {} });
  });

  test("the container's hardware address became an endpoint's", () => {
    const address = "02:00:00:00:00:01";
    const endpoints = (version: number, body: CreateContainerBody) =>
      on(version, body).body.NetworkingConfig?.EndpointsConfig;
    expect(endpoints(43, { MacAddress: address })).toEqual({ default: { MacAddress: address } });
    expect(endpoints(43, { NetworkingConfig: { EndpointsConfig: { n: { MacAddress: address } } } })).toEqual({ n: {} });
    const migrated = on(44, { MacAddress: address, HostConfig: { NetworkMode: "n" } });
    expect(migrated.body.NetworkingConfig?.EndpointsConfig).toEqual({ n: { MacAddress: address } });
    expect(migrated.body.MacAddress).toBeUndefined();
    expect(migrated.warnings).toEqual([
      "The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.",
    ]);
    const both = (other: string) => ({
      MacAddress: address,
      HostConfig: { NetworkMode: "n" },
      NetworkingConfig: { EndpointsConfig: { n: { MacAddress: other } } },
    });
    expect(() => on(44, both("02:00:00:00:00:02"))).toThrow("must match the endpoint-specific MAC address");
    expect(on(44, both(address)).warnings.length).toBe(1);
    expect(() => on(44, { MacAddress: address, NetworkingConfig: { EndpointsConfig: { other: {} } } })).toThrow(
      "HostConfig.NetworkMode must match the identity of a network",
    );
  });

  test("sysctls of an interface became an option of its endpoint", () => {
    const name = "net.ipv4.conf.eth0.forwarding";
    const moved = on(46, { HostConfig: { Sysctls: { [name]: "1", "net.core.somaxconn": "9" } } });
    expect(moved.body.HostConfig?.Sysctls).toEqual({ "net.core.somaxconn": "9" });
    expect(moved.body.NetworkingConfig?.EndpointsConfig?.["default"]?.DriverOpts).toEqual({
      "com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.forwarding=1",
    });
    expect(moved.warnings[0]).toStartWith(`Migrated sysctl "${name}" to DriverOpts`);
    expect(() => on(47, { HostConfig: { Sysctls: { [name]: "1" } } })).toThrow("must be supplied using driver option");
    expect(() => on(46, { HostConfig: { Sysctls: { "net.ipv4.conf.eth1.forwarding": "1" } } })).toThrow(
      "unable to determine network endpoint",
    );
    expect(on(50, { HostConfig: { NetworkMode: "host", Sysctls: { [name]: "1" } } }).body.HostConfig?.Sysctls).toEqual({
      [name]: "1",
    });
  });
});

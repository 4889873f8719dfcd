import { describe, expect, test } from "bun:test";
import { parseFlags } from "../flags/parse.ts";
import { parseDevices, parseGpus, throttleProblem } from "./devices.ts";
import { containerFlags } from "./flags.ts";
import { parseIpam } from "./ipam.ts";
import { mountProblem, parseMount, parseTmpfs, parseVolumes } from "./mounts.ts";
import { parseExpose, parsePublish } from "./ports.ts";
import { chooseStreams, toCreateBody } from "./request.ts";
import { parseRestartPolicy } from "./restart-policy.ts";
import { parseUlimits, ulimitProblem } from "./ulimits.ts";

describe("parsePublish", () => {
  test.each([
    ["80", { "80/tcp": [{ HostIp: "", HostPort: "" }] }],
    ["8080:80", { "80/tcp": [{ HostIp: "", HostPort: "8080" }] }],
    ["127.0.0.1:8080:80/udp", { "80/udp": [{ HostIp: "127.0.0.1", HostPort: "8080" }] }],
    ["127.0.0.1::80", { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }] }],
    ["[::1]:8080:80", { "80/tcp": [{ HostIp: "::1", HostPort: "8080" }] }],
    ["8000-8001:80-81", { "80/tcp": [{ HostIp: "", HostPort: "8000" }], "81/tcp": [{ HostIp: "", HostPort: "8001" }] }],
    ["8000-8010:80", { "80/tcp": [{ HostIp: "", HostPort: "8000-8010" }] }],
    ["published=8080,target=80,protocol=udp", { "80/udp": [{ HostIp: "", HostPort: "8080" }] }],
  ])("reads %p", (spec, bindings) => {
    expect(parsePublish([spec]).bindings).toEqual(bindings);
    expect(Object.keys(parsePublish([spec]).exposed)).toEqual(Object.keys(bindings));
  });

  test.each([
    ["x", "invalid containerPort: x"],
    ["8080:", "no port specified: 8080:<empty>"],
    ["x:80", "invalid hostPort: x"],
    ["80-82:80-81", "invalid ranges specified for container and host Ports: 80-81 and 80-82"],
    ["80/foo", "invalid proto: foo"],
    ["1.2.3:80:80", "invalid IP address: 1.2.3"],
    ["70000", "invalid containerPort: 70000"],
  ])("refuses %p", (spec, message) => {
    expect(() => parsePublish([spec])).toThrow(message);
  });

  test("parseExpose reads ranges", () => {
    expect(Object.keys(parseExpose(["80-81/udp", "90"]))).toEqual(["80/udp", "81/udp", "90/tcp"]);
    expect(() => parseExpose(["80:80"])).toThrow("invalid port format for --expose: 80:80");
  });
});

describe("parseMount", () => {
  test("reads every kind", () => {
    expect(parseMount("type=bind,source=/a,target=/b,readonly,bind-propagation=rslave")).toEqual({
      Type: "bind",
      Source: "/a",
      Target: "/b",
      ReadOnly: true,
      BindOptions: { Propagation: "rslave" },
    });
    expect(parseMount('src=v,dst=/d,volume-opt=a=1,"volume-opt=o=x,y",volume-driver=local,volume-nocopy')).toEqual({
      Type: "volume",
      Source: "v",
      Target: "/d",
      VolumeOptions: { DriverConfig: { Name: "local", Options: { a: "1", o: "x,y" } }, NoCopy: true },
    });
    expect(parseMount("type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770")).toEqual({
      Type: "tmpfs",
      Target: "/t",
      TmpfsOptions: { SizeBytes: 1024 * 1024, Mode: 0o1770 },
    });
  });

  test.each([
    ["x=y", "unexpected key 'x' in 'x=y'"],
    ["type", "invalid field 'type' must be a key=value pair"],
    ["type=bind,src=/a", "target is required"],
    ["type=bind,dst=/a,ro=maybe", "invalid value for ro: maybe"],
    ["type=bind,dst=/a,volume-nocopy", "cannot mix 'volume-*' options with mount type 'bind'"],
    ["type=tmpfs,dst=/a,tmpfs-size=x", "invalid value for tmpfs-size: x"],
  ])("refuses %p", (spec, message) => {
    expect(mountProblem(spec)).toBe(message);
  });

  test("parseVolumes tells anonymous volumes from binds and makes relative sources absolute", () => {
    expect(parseVolumes(["/data", "v:/x:ro", "./a:/b"])).toEqual({
      binds: ["v:/x:ro", `${process.cwd()}/a:/b`],
      anonymous: { "/data": {} },
    });
    expect(parseTmpfs(["/run", "/tmp:size=1m,rw"])).toEqual({ "/run": "", "/tmp": "size=1m,rw" });
  });

  test("fields that are no CSV", () => {
    expect(() => parseMount('type=bind,a"b')).toThrow('parse error on line 1, column 12: bare " in non-quoted-field');
    expect(() => parseGpus('device=0,"1')).toThrow('for "--gpus" flag: parse error on line 1, column 12');
  });
});

describe("limits and devices", () => {
  test("parseUlimits", () => {
    expect(parseUlimits(["nofile=5:10", "core=-1"])).toEqual([
      { Name: "nofile", Soft: 5, Hard: 10 },
      { Name: "core", Soft: -1, Hard: -1 },
    ]);
    expect(ulimitProblem("x")).toBe("invalid ulimit argument: x");
    expect(ulimitProblem("nofile=5:2")).toBe("ulimit soft limit must be less than or equal to hard limit: 5 > 2");
    expect(ulimitProblem("nope=1")).toBe("invalid ulimit type: nope");
  });

  test("parseDevices", () => {
    expect(parseDevices(["/dev/a", "/dev/a:r", "/dev/a:/dev/b", "/dev/a:/dev/b:rw", "nvidia.com/gpu=0"])).toEqual({
      devices: [
        { PathOnHost: "/dev/a", PathInContainer: "/dev/a", CgroupPermissions: "rwm" },
        { PathOnHost: "/dev/a", PathInContainer: "/dev/a", CgroupPermissions: "r" },
        { PathOnHost: "/dev/a", PathInContainer: "/dev/b", CgroupPermissions: "rwm" },
        { PathOnHost: "/dev/a", PathInContainer: "/dev/b", CgroupPermissions: "rw" },
      ],
      cdi: ["nvidia.com/gpu=0"],
    });
    expect(() => parseDevices(["/dev/a:/dev/b:zz"])).toThrow("bad mode specified: zz");
  });

  test("parseGpus", () => {
    expect(parseGpus("all").Count).toBe(-1);
    expect(parseGpus('"device=0,1",driver=nvidia')).toMatchObject({
      DeviceIDs: ["0", "1"],
      Driver: "nvidia",
      Count: 0,
    });
    expect(() => parseGpus("count=x")).toThrow("invalid count (x)");
  });

  test("throttleProblem", () => {
    expect(throttleProblem("bps")("/dev/sda:1mb")).toBeUndefined();
    expect(throttleProblem("bps")("x")).toBe("bad format: x");
    expect(throttleProblem("iops")("/dev/sda:1mb")).toContain("invalid rate for device");
  });

  test("parseRestartPolicy", () => {
    expect(parseRestartPolicy("on-failure:3")).toEqual({ Name: "on-failure", MaximumRetryCount: 3 });
    expect(() => parseRestartPolicy("on-failure:x")).toThrow("maximum retry count must be an integer");
    expect(() => parseRestartPolicy(":1")).toThrow("no policy provided before colon");
  });

  test("parseIpam gives addresses to the subnets they lie in", () => {
    expect(parseIpam(["10.1.0.0/16", "fd00::/64"], ["10.1.2.0/24"], ["fd00::1", "10.1.0.1"], ["a=10.1.0.9"])).toEqual([
      { Subnet: "10.1.0.0/16", IPRange: "10.1.2.0/24", Gateway: "10.1.0.1", AuxiliaryAddresses: { a: "10.1.0.9" } },
      { Subnet: "fd00::/64", Gateway: "fd00::1" },
    ]);
    expect(() => parseIpam(["10.1.0.0/16"], [], ["10.2.0.1"], [])).toThrow("no matching subnet for gateway 10.2.0.1");
  });
});

describe("toCreateBody", () => {
  const body = (...argv: string[]) => {
    const { values } = parseFlags(containerFlags, argv);
    return toCreateBody(values, "busybox", ["sh"], chooseStreams(values, false));
  };

  test("puts flags where the API wants them", () => {
    expect(
      body(
        "-i",
        "-m",
        "64m",
        "--cpus",
        "1.5",
        "-e",
        "A=1",
        "-l",
        "a=b",
        "--health-cmd",
        "true",
        "--health-interval",
        "5s",
      ),
    ).toMatchObject({
      AttachStdin: true,
      OpenStdin: true,
      StdinOnce: true,
      Env: ["A=1"],
      Labels: { a: "b" },
      Healthcheck: { Test: ["CMD-SHELL", "true"], Interval: 5_000_000_000 },
      HostConfig: { Memory: 64 * 1024 * 1024, NanoCpus: 1_500_000_000, NetworkMode: "default" },
    });
  });

  test("joins a network with the flags about it", () => {
    expect(body("--network", "net", "--ip", "10.0.0.5", "--network-alias", "db")).toMatchObject({
      HostConfig: { NetworkMode: "net" },
      NetworkingConfig: { EndpointsConfig: { net: { IPAMConfig: { IPv4Address: "10.0.0.5" }, Aliases: ["db"] } } },
    });
    expect(body("--network", "name=net,alias=x,mac-address=92:d0:c6:0a:29:33")).toMatchObject({
      NetworkingConfig: { EndpointsConfig: { net: { Aliases: ["x"], MacAddress: "92:d0:c6:0a:29:33" } } },
    });
  });

  test("tells an empty entrypoint from none", () => {
    expect(body().Entrypoint).toBeNull();
    expect(body("--entrypoint", "").Entrypoint).toEqual([""]);
  });

  test.each([
    [["--rm", "--restart", "always"], "conflicting options: cannot specify both --restart and --rm"],
    [["--no-healthcheck", "--health-cmd", "x"], "--no-healthcheck conflicts with --health-* options"],
    [["--memory-swappiness", "101"], "invalid value: 101. Valid memory swappiness range is 0-100"],
    [["--security-opt", "foo"], 'Invalid --security-opt: "foo"'],
    [["--env-file", "/nonexistent"], "open /nonexistent: no such file or directory"],
  ])("refuses %p", (argv, message) => {
    expect(() => body(...argv)).toThrow(message);
  });
});

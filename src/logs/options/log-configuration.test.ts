import { describe, expect, test } from "bun:test";
import type { LoggedContainer } from "./attributes.ts";
import { extraAttributes, logTag } from "./attributes.ts";
import { checkLogDefaults, logConfiguration } from "./log-configuration.ts";

const container: LoggedContainer = {
  id: "0123456789abcdef".repeat(4),
  name: "web",
  imageId: `sha256:${"a1".repeat(32)}`,
  imageName: "nginx:alpine",
  command: ["nginx", "-g", "daemon off;"],
  created: 0n,
  labels: { tier: "front", "com.example.team": "blue" },
  environment: ["MODE=fast", "PATH=/bin", "EMPTY"],
};
const of = (driver: string, options: Record<string, string> = {}) => logConfiguration(driver, options, container);

describe("logConfiguration()", () => {
  test("none keeps nothing", () => {
    expect(of("none", { anything: "goes" })).toEqual({ file: undefined, readable: false, remote: undefined });
  });

  test("json-file is unlimited unless said, in powers of 1000", () => {
    expect(of("json-file").file).toEqual({
      name: `${container.id}-json.log`,
      maxSizeBytes: undefined,
      maxFiles: 1,
      compress: false,
      attributes: undefined,
    });
    expect(of("json-file", { "max-size": "10m", "max-file": "3", compress: "true" }).file).toMatchObject({
      maxSizeBytes: 10_000_000,
      maxFiles: 3,
      compress: true,
    });
    expect(of("json-file", { "max-size": "-1" }).file?.maxSizeBytes).toBeUndefined();
  });

  test("local is bounded and compressed", () => {
    expect(of("local").file).toEqual({
      name: "local-logs/container.log",
      maxSizeBytes: 20 * 1024 * 1024,
      maxFiles: 5,
      compress: true,
      attributes: undefined,
    });
  });

  test("a remote driver has a cache of its own options, and says when it may not be read", () => {
    const cached = of("syslog", { "cache-max-size": "2m", "cache-max-file": "2" });
    expect(cached).toMatchObject({
      file: { name: "container-cached.log", maxSizeBytes: 2_000_000, maxFiles: 2 },
      readable: true,
    });
    expect(cached.remote?.options).toEqual({});
    expect(of("syslog", { "cache-disabled": "1" }).readable).toBe(false);
  });

  test("mode and max-buffer-size are every driver's", () => {
    expect(of("json-file", { mode: "non-blocking" }).file).toBeDefined();
    expect(of("journald", { mode: "non-blocking", "max-buffer-size": "4m" }).remote?.delivery).toEqual({
      dropsWhenFull: true,
      bufferBytes: 4 * 1024 * 1024,
    });
    expect(of("journald").remote?.delivery.dropsWhenFull).toBe(false);
  });

  test.each([
    ["json-file", { "max-file": "0" }, "max-file cannot be less than 1"],
    ["json-file", { "max-file": "two" }, 'strconv.Atoi: parsing "two": invalid syntax'],
    ["json-file", { "max-size": "0" }, "max-size must be a positive number"],
    ["json-file", { "max-size": "big" }, "invalid size: 'big'"],
    ["json-file", { compress: "true" }, "compress cannot be true when max-file is less than 2 or max-size is not set"],
    ["json-file", { "labels-regex": "(" }, "error parsing regexp"],
    ["json-file", { tag: "{{.Nope}}" }, "Nope"],
    ["json-file", { tag: "{{range 9}}x{{end}}" }, "invalid log tag"],
    ["local", { "max-file": "1" }, "compression cannot be enabled when max file count is 1"],
    ["local", { "max-file": "-1" }, "max-file must not be negative"],
    ["syslog", { "cache-max-file": "1" }, "compression cannot be enabled when max file count is 1"],
    ["syslog", { "syslog-address": "ftp://x" }, "unsupported scheme: 'ftp'"],
    ["syslog", { "syslog-facility": "24" }, "invalid syslog facility"],
    ["gelf", {}, "gelf-address is a required parameter"],
    ["gelf", { "gelf-address": "udp://h:1", "gelf-compression-level": "10" }, 'unknown value "10"'],
    ["gelf", { "gelf-address": "tcp://h:1", "gelf-tcp-max-reconnect": "-1" }, "must be a positive integer"],
    ["fluentd", { "fluentd-address": "udp://h" }, "unsupported scheme: 'udp'"],
    ["fluentd", { "fluentd-address": "tcp://h/path" }, "should not contain a path element"],
    ["fluentd", { "fluentd-async": "maybe" }, 'strconv.ParseBool: parsing "maybe"'],
    ["fluentd", { "fluentd-write-timeout": "-1s" }, "invalid value for fluentd-write-timeout"],
    ["fluentd", { "fluentd-async": "1", "fluentd-async-connect": "1" }, "conflicting options"],
    ["fluentd", { "fluentd-async-reconnect-interval": "1ms" }, "must be between 100ms and 10s"],
    ["etwlogs", {}, "no log driver named 'etwlogs' is registered"],
  ] as [string, Record<string, string>, string][])("%s with %j: %s", (driver, options, sentence) => {
    expect(() => of(driver, options)).toThrow(sentence);
    if (!("tag" in options)) expect(() => checkLogDefaults(driver, options)).toThrow(sentence);
  });

  test.each([
    ["udp://h", { transport: "udp", host: "h", port: 514 }],
    ["tcp+tls://[::1]:6514", { transport: "tcp+tls", host: "::1", port: 6514 }],
    ["", { transport: "local" }],
    ["unix:///tmp", { transport: "unix", path: "/tmp" }],
  ])("syslog-address %p", (text, address) => {
    const { destination } = of("syslog", { "syslog-address": text }).remote ?? {};
    expect(destination).toMatchObject({ syslog: { address, facility: 3, format: "unix" } });
  });
});

describe("logTag()", () => {
  test.each([
    ["", container.id.slice(0, 12)],
    ["{{.Name}}/{{.ImageName}}", "web/nginx:alpine"],
    ["{{.ImageID}} {{.DaemonName}}", `${"a1".repeat(6)} berth`],
    ['{{index .ContainerLabels "tier"}}-{{.FullID}}', `front-${container.id}`],
    ["{{.Name}}\n", "web"],
  ])("%p is %p", (tag, text) => {
    expect(logTag(container, { tag })).toBe(text);
  });
});

describe("extraAttributes()", () => {
  test("chooses by name and by expression", () => {
    expect(extraAttributes(container, { labels: "tier,none", env: "MODE", "env-regex": "^PA" })).toEqual({
      tier: "front",
      MODE: "fast",
      PATH: "/bin",
    });
    expect(extraAttributes(container, { "env-regex": "(?i)^m(?P<rest>ode)$" })).toEqual({ MODE: "fast" });
    expect(extraAttributes(container, { "labels-regex": "^com\\." }, (key) => key.toUpperCase())).toEqual({
      "COM.EXAMPLE.TEAM": "blue",
    });
  });
});

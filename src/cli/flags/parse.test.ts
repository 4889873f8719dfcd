import { describe, expect, test } from "bun:test";
import { flag } from "./flag.ts";
import { parseFlags } from "./parse.ts";

const flags = {
  interactive: flag.boolean("", { short: "i" }),
  tty: flag.boolean("", { short: "t" }),
  rm: flag.boolean(""),
  "sig-proxy": flag.boolean("", { default: true }),
  init: flag.optionalBoolean(""),
  publish: flag.list("", { short: "p" }),
  platform: flag.list("", { typeName: "strings" }),
  network: flag.list(""),
  net: flag.list("", { aliasOf: "network" }),
  name: flag.string(""),
  memory: flag.bytes("", { short: "m" }),
  cpus: flag.decimal(""),
  last: flag.integer("", { short: "n" }),
  weight: flag.integer("", { typeName: "uint16" }),
  interval: flag.duration(""),
  env: flag.list("", { short: "e", check: (value) => (value === "" ? "it is empty" : undefined) }),
};

const values = (...argv: string[]) => parseFlags(flags, argv).values;

describe("parseFlags", () => {
  test("joins short switches and takes values with and without a space", () => {
    expect(values("-it", "-p80:80", "-p", "81:81", "--publish=82")).toMatchObject({
      interactive: true,
      tty: true,
      publish: ["80:80", "81:81", "82"],
    });
    expect(values("-itp80").publish).toEqual(["80"]);
    expect(values("-m=64m").memory).toBe(64 * 1024 * 1024);
  });

  test("takes switches back with =false", () => {
    expect(values("--sig-proxy=false", "-t=false", "--init=false")).toMatchObject({
      "sig-proxy": false,
      tty: false,
      init: false,
    });
    expect(values().init).toBeUndefined();
  });

  test("reads numbers, sizes, durations and fractions", () => {
    expect(values("--cpus", "1.5", "-n", "-1", "--interval", "1m30s", "--memory", "1g")).toMatchObject({
      cpus: 1_500_000_000,
      last: -1,
      interval: 90_000_000_000,
      memory: 1024 ** 3,
    });
    expect(values("-m", "-1").memory).toBe(-1);
  });

  test("writes an alias to its flag and splits lists of strings at commas", () => {
    expect(values("--net", "a", "--network", "b").network).toEqual(["a", "b"]);
    expect(values("--platform", "a,b").platform).toEqual(["a", "b"]);
  });

  test("stops at the first operand when told so", () => {
    const parsed = parseFlags(flags, ["--rm", "busybox", "ls", "-it", "--", "x"], { stopAtOperand: true });
    expect(parsed.operands).toEqual(["busybox", "ls", "-it", "--", "x"]);
    expect(parsed.values).toMatchObject({ rm: true, tty: false });
    expect(parseFlags(flags, ["a", "-t", "b"]).operands).toEqual(["a", "b"]);
  });

  test("ends the flags at -- and keeps a lone dash", () => {
    expect(parseFlags(flags, ["-", "--", "-t"]).operands).toEqual(["-", "-t"]);
  });

  test("keeps values that start with a dash", () => {
    expect(values("--name", "--rm").name).toBe("--rm");
  });

  test.each([
    [["--foo"], "unknown flag: --foo"],
    [["-tz"], "unknown shorthand flag: 'z' in -tz"],
    [["--name"], "flag needs an argument: --name"],
    [["-tm"], "flag needs an argument: 'm' in -tm"],
    [["--=x"], "bad flag syntax: --=x"],
    [["--rm=foo"], 'invalid argument "foo" for "--rm" flag: strconv.ParseBool: parsing "foo": invalid syntax'],
    [["-n", "x"], 'invalid argument "x" for "-n, --last" flag: strconv.ParseInt: parsing "x": invalid syntax'],
    [["--weight", "-1"], 'invalid argument "-1" for "--weight" flag: strconv.ParseUint: parsing "-1": invalid syntax'],
    [["--weight", "70000"], "value out of range"],
    [["-m", "x"], 'invalid argument "x" for "-m, --memory" flag: invalid size: \'x\''],
    [["--cpus", "x"], 'invalid argument "x" for "--cpus" flag: failed to parse x as a rational number'],
    [["--interval", "x"], 'invalid argument "x" for "--interval" flag: time: invalid duration "x"'],
    [["-e", ""], 'invalid argument "" for "-e, --env" flag: it is empty'],
    [["--constructor"], "unknown flag: --constructor"],
  ])("refuses %p", (argv, message) => {
    expect(() => parseFlags(flags, argv)).toThrow(message);
  });

  test("sees that help is wanted, unless -h is a flag of its own", () => {
    expect(parseFlags(flags, ["-h"]).wantsHelp).toBe("shorthand");
    const own = parseFlags({ hostname: flag.string("", { short: "h" }) }, ["-h", "web"]);
    expect(own).toMatchObject({ wantsHelp: false, values: { hostname: "web" } });
  });
});

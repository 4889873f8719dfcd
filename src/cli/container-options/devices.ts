import { parseRamBytes } from "#base";
import type { HostConfig } from "#formats";
import { cliErrors } from "../errors.ts";
import { csvFields } from "../flags/csv-fields.ts";

type Devices = NonNullable<HostConfig["Devices"]>;
type DeviceRequests = NonNullable<HostConfig["DeviceRequests"]>;

const cdiName = /^[a-zA-Z][\w.-]*\/[a-zA-Z][\w-]*=[\w:.-]+$/;

function isMode(text: string): boolean {
  return text !== "" && /^[rwm]+$/.test(text) && new Set(text).size === text.length;
}

/** Reads `--device`: `host[:container[:rwm]]`, or the name of a CDI device. */
export function parseDevices(specs: readonly string[]): { devices: Devices; cdi: string[] } {
  const devices: Devices = [];
  const cdi: string[] = [];
  for (const spec of specs) {
    if (cdiName.test(spec)) {
      cdi.push(spec);
      continue;
    }
    const [source = "", second, third, ...rest] = spec.split(":");
    if (rest.length > 0 || source === "") throw cliErrors["bad-option"](`invalid device specification: ${spec}`);
    let target = source;
    let mode = "rwm";
    if (third !== undefined) {
      if (!isMode(third)) throw cliErrors["bad-option"](`bad mode specified: ${third}`);
      target = second === undefined || second === "" ? source : second;
      mode = third;
    } else if (second !== undefined) {
      if (isMode(second)) mode = second;
      else target = second;
    }
    if (!target.startsWith("/")) throw cliErrors["bad-option"](`${target} is not an absolute path`);
    devices.push({ PathOnHost: source, PathInContainer: target, CgroupPermissions: mode });
  }
  return { devices, cdi };
}

/** What is wrong with one `--device-cgroup-rule`. */
export function deviceRuleProblem(text: string): string | undefined {
  return /^[acb] (?:\d+|\*):(?:\d+|\*) [rwm]{1,3}$/.test(text) ? undefined : `invalid device cgroup format '${text}'`;
}

/** Reads `--gpus`: `all`, a count, or CSV of `device=`, `count=`, `driver=`, `capabilities=`. */
export function parseGpus(text: string): DeviceRequests[number] {
  const request = {
    Driver: "",
    Count: 0,
    DeviceIDs: [] as string[],
    Capabilities: [["gpu"]],
    Options: {} as Record<string, string>,
  };
  const setCount = (value: string) => {
    if (value !== "all" && !/^-?\d+$/.test(value)) {
      throw cliErrors["bad-flag"](
        `invalid argument "${text}" for "--gpus" flag: invalid count (${value}): value must be either "all" or an integer: invalid syntax`,
      );
    }
    request.Count = value === "all" ? -1 : Number(value);
  };
  for (const field of csvFields("gpus", text)) {
    const equals = field.indexOf("=");
    const key = equals < 0 ? "count" : field.slice(0, equals);
    const value = field.slice(equals + 1);
    if (key === "count") setCount(value);
    else if (key === "driver") request.Driver = value;
    else if (key === "device") request.DeviceIDs.push(...value.split(","));
    else if (key === "capabilities") request.Capabilities = [["gpu", ...value.split(",")]];
    else if (key === "options") {
      for (const pair of value.split(",")) {
        const [name = "", ...rest] = pair.split("=");
        request.Options[name] = rest.join("=");
      }
    } else
      throw cliErrors["bad-flag"](
        `invalid argument "${text}" for "--gpus" flag: unexpected key '${key}' in '${field}'`,
      );
  }
  if (request.Count === 0 && request.DeviceIDs.length === 0) request.Count = 1;
  return request;
}

function splitPair(text: string): [string, string] | undefined {
  const [path = "", value, ...rest] = text.split(":");
  return value === undefined || rest.length > 0 || path === "" ? undefined : [path, value];
}

/** Reads one `--device-read-bps` and its like; the sentence when it is wrong. */
export function throttleProblem(unit: "bps" | "iops") {
  return (text: string): string | undefined => {
    const pair = splitPair(text);
    if (pair === undefined) return `bad format: ${text}`;
    if (!pair[0].startsWith("/dev/")) return `bad format for device path: ${text}`;
    const rate = unit === "bps" ? parseRamBytes(pair[1]) : /^\d+$/.test(pair[1]) ? Number(pair[1]) : undefined;
    if (rate !== undefined && rate >= 0) return undefined;
    return unit === "bps"
      ? `invalid rate for device: ${text}. The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb`
      : `invalid rate for device: ${text}. The correct format is <device-path>:<number>. Number must be a positive integer`;
  };
}

/** The throttles that passed their check. */
export function parseThrottles(specs: readonly string[]): { Path: string; Rate: number }[] {
  return specs.map((spec) => {
    const [path, rate] = splitPair(spec) ?? ["", "0"];
    return { Path: path, Rate: parseRamBytes(rate) ?? 0 };
  });
}

/** What is wrong with one `--blkio-weight-device`. */
export function weightProblem(text: string): string | undefined {
  const pair = splitPair(text);
  if (pair === undefined) return `bad format: ${text}`;
  if (!pair[0].startsWith("/dev/")) return `bad format for device path: ${text}`;
  const weight = /^\d+$/.test(pair[1]) ? Number(pair[1]) : Number.NaN;
  return weight === 0 || (weight >= 10 && weight <= 1000) ? undefined : `invalid weight for device: ${text}`;
}

export function parseWeights(specs: readonly string[]): { Path: string; Weight: number }[] {
  return specs.map((spec) => {
    const [path, weight] = splitPair(spec) ?? ["", "0"];
    return { Path: path, Weight: Number(weight) };
  });
}

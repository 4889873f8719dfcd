import { resolveDeviceRequests } from "#runtime";
import type { StepRequest } from "../contract/index.ts";

/** What the CDI devices of a build's step bring along. One that is not there and not required is left out. */
export function stepDevices(
  devices: NonNullable<StepRequest["devices"]>,
  directories: readonly string[],
): ReturnType<typeof resolveDeviceRequests> {
  const resolve = (names: readonly string[]) =>
    resolveDeviceRequests({ DeviceRequests: [{ Driver: "cdi", DeviceIDs: [...names] }] }, directories);
  const found = devices.filter(({ name, required }) => {
    if (required) return true;
    try {
      resolve([name]);
      return true;
    } catch {
      return false; // The Dockerfile says that the step does without.
    }
  });
  return found.length === 0 ? undefined : resolve(found.map(({ name }) => name));
}

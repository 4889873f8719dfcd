import { type Directory, readText, tryWriteValue, writeValue } from "../cgroup-file.ts";
import { waitUntilFrozen } from "../freezing.ts";

/**
 * Stops every process (Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst). A group into which a process forks
 * meanwhile may stay FREEZING until the state is written again; now and then only a thaw helps (runc's finding).
 */
export async function freeze(directory: Directory): Promise<void> {
  await waitUntilFrozen(
    directory,
    (attempt) => {
      if (attempt % 50 === 49) writeValue(directory, "freezer.state", "THAWED");
      writeValue(directory, "freezer.state", "FROZEN");
    },
    () => readText(directory, "freezer.state")?.trim() === "FROZEN",
    () => void tryWriteValue(directory, "freezer.state", "THAWED"),
  );
}

/** Lets them run on; takes effect at once. */
export function thaw(directory: Directory): void {
  writeValue(directory, "freezer.state", "THAWED");
}

/** Thaws a group that may not exist, so that a kill can take effect. */
export function thawIfFrozen(directory: Directory): void {
  tryWriteValue(directory, "freezer.state", "THAWED");
}

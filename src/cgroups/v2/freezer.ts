import { type Directory, readTable, tryWriteValue, writeValue } from "../cgroup-file.ts";
import { waitUntilFrozen } from "../freezing.ts";

/** Stops every process; done when cgroup.events says so (Documentation/admin-guide/cgroup-v2.rst, cgroup.freeze). */
export async function freeze(directory: Directory): Promise<void> {
  writeValue(directory, "cgroup.freeze", 1);
  await waitUntilFrozen(
    directory,
    () => undefined,
    () => readTable(directory, "cgroup.events")["frozen"] === 1,
    () => void tryWriteValue(directory, "cgroup.freeze", 0),
  );
}

/** Lets them run on. */
export function thaw(directory: Directory): void {
  writeValue(directory, "cgroup.freeze", 0);
}

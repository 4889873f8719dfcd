import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dir, "../../../../shared/reference/dockerfile-testdata");

/** Whether upstream's Dockerfile test data lies beside the repository; says so once when it does not. */
export const hasReferenceData = existsSync(root);
if (!hasReferenceData) console.log(`reference cases skipped: no ${root}`);

/** A file of the reference data as text. */
export function referenceText(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** A JSON table of the reference data; empty when there is none, so that `test.each` has nothing to run. */
export function referenceTable<Row>(path: string): Row[] {
  return hasReferenceData ? (JSON.parse(referenceText(path)) as Row[]) : [];
}

/** Names within a folder of the reference data. */
export function referenceNames(path: string): string[] {
  return hasReferenceData ? readdirSync(join(root, path)).sort() : [];
}

import type { Client } from "#client";
import type { BuildRecordDocument } from "#formats";
import { cliErrors } from "../errors.ts";
import { seconds } from "./progress/steps.ts";

/** A build's state as people read it. */
export function buildStatus({ Status }: BuildRecordDocument): string {
  return { running: "Running", completed: "Completed", error: "Error", canceled: "Canceled" }[Status];
}

/** How long a build took, or has taken by now. */
export function buildDuration({ CreatedAt, CompletedAt }: BuildRecordDocument): string {
  const end = CompletedAt === undefined ? Date.now() : Date.parse(CompletedAt);
  const total = end - Date.parse(CreatedAt);
  if (total < 60_000) return seconds(total);
  return `${Math.floor(total / 60_000)}m ${Math.floor((total % 60_000) / 1000)}s`;
}

/** The build that a reference means: an id or the beginning of one, "^0" the last build, "^1" the one before it, none the last. */
export async function findBuild(client: Client, reference: string | undefined): Promise<BuildRecordDocument> {
  const back = reference === undefined || reference === "" ? 0 : Number(/^\^(\d+)$/.exec(reference)?.[1] ?? Number.NaN);
  if (Number.isNaN(back)) return client.solve.inspect((reference ?? "").split("/").at(-1) ?? "");
  const build = (await client.solve.list())[back];
  if (build === undefined) throw cliErrors["bad-option"](`no build found for ${JSON.stringify(reference ?? "^0")}`);
  return build;
}

import type { BuildOptions, Client } from "#client";
import type { JsonMessage } from "#formats";
import { registryConfig } from "../credentials/credentials.ts";
import { cliErrors } from "../errors.ts";
import { recordFailure } from "../output/progress.ts";
import { printableOutput } from "../output/printable.ts";
import { writeText } from "../output/write.ts";
import { isTerminal } from "../terminal/terminal.ts";
import { prepareContext } from "./context.ts";

/** Shows the records of a build; returns the id of the image. */
async function showBuild(records: AsyncIterable<JsonMessage>, isQuiet: boolean, isRaw: boolean): Promise<string> {
  let imageId = "";
  let held = "";
  let failed = true;
  try {
    for await (const record of records) {
      if (isRaw) writeText(1, `${JSON.stringify(record)}\n`);
      const failure = recordFailure(record);
      if (failure !== undefined) throw failure;
      const id = (record.aux as { ID?: unknown } | null | undefined)?.ID;
      if (typeof id === "string") imageId = id;
      const text =
        record.stream ??
        (record.status === undefined
          ? ""
          : `${record.id ?? ""}${record.id === undefined ? "" : ": "}${record.status}\n`);
      if (text === "") continue;
      if (isQuiet) held += text;
      else if (!isRaw) writeText(1, printableOutput(text, isTerminal(1)));
    }
    failed = false;
  } finally {
    // What a quiet build said is of interest once it has failed.
    if (failed && isQuiet) writeText(2, printableOutput(held, isTerminal(2)));
  }
  // An older daemon answers a quiet build with the id as text alone.
  return imageId === "" ? (/^sha256:[0-9a-f]{64}$/m.exec(held)?.[0] ?? "") : imageId;
}

/** A build by `POST /build`, which every daemon has: what `DOCKER_BUILDKIT=0` asks for. Returns the image's id. */
export async function buildClassic(
  client: Client,
  specifier: string,
  file: string,
  options: Omit<BuildOptions, "dockerfile" | "registryConfig">,
  isRaw: boolean,
): Promise<string> {
  const context = await prepareContext(specifier, file);
  const registry = await registryConfig();
  const records = client.build.run(context.tar, {
    ...options,
    dockerfile: context.dockerfile,
    registryConfig: registry,
  });
  const imageId = await showBuild(records, options.quiet === true, isRaw);
  if (imageId === "" && options.quiet === true) throw cliErrors["bad-option"]("the daemon named no image");
  return imageId;
}

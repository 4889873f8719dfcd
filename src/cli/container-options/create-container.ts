import { existsSync, writeFileSync } from "node:fs";
import { isErrorKind } from "#base";
import type { Client } from "#client";
import type { CreateContainerBody } from "#formats";
import { withProxies } from "../configuration/proxies.ts";
import { cliErrors } from "../errors.ts";
import { noteFailure } from "../failure.ts";
import { printable } from "../output/printable.ts";
import { writeText } from "../output/write.ts";
import type { ContainerFlagValues } from "./request.ts";

/** Writes `latest` behind a reference that has neither tag nor digest, for messages. */
function withTag(image: string): string {
  if (image.includes("@") || image.lastIndexOf(":") > image.lastIndexOf("/")) return image;
  return `${image}:latest`;
}

async function pullImage(client: Client, image: string, flags: ContainerFlagValues): Promise<void> {
  const [{ pullReference }, { showProgress }, { registryAuthFor }] = await Promise.all([
    import("../references.ts"),
    import("../output/progress.ts"),
    import("../credentials/credentials.ts"),
  ]);
  const records = client.images.pull(pullReference(image), {
    platform: flags.platform === "" ? undefined : flags.platform,
    registryAuth: await registryAuthFor(image),
  });
  await showProgress(records, { descriptor: 2, quiet: flags.quiet });
}

/** Creates the container, fetching its image first when `--pull` says so; prints warnings; writes `--cidfile`. */
export async function createContainer(
  client: Client,
  flags: ContainerFlagValues,
  wanted: CreateContainerBody,
): Promise<string> {
  if (!["always", "missing", "never"].includes(flags.pull)) {
    throw cliErrors["bad-option"](
      `invalid pull option: '${flags.pull}': must be one of "always", "missing" or "never"`,
    );
  }
  if (flags.cidfile !== "" && existsSync(flags.cidfile)) {
    throw cliErrors["bad-option"](
      `container ID file found, make sure the other container isn't running or delete ${flags.cidfile}`,
    );
  }
  if (!flags["disable-content-trust"]) throw cliErrors["content-trust"]();
  const shared = flags["use-api-socket"]
    ? await (await import("./api-socket.ts")).shareApiSocket(client, wanted)
    : undefined;
  const body = { ...(shared?.body ?? wanted), Env: withProxies(client, (shared?.body ?? wanted).Env ?? []) };
  const image = body.Image ?? "";
  if (flags.pull === "always") await pullImage(client, image, flags);
  const options = { name: flags.name, platform: flags.platform };
  let created: { Id: string; Warnings: string[] | null };
  try {
    created = await client.containers.create(body, options);
  } catch (error) {
    const isMissing = isErrorKind(error, "not-found") && error.message.toLowerCase().includes("no such image");
    // An id can be had from no registry.
    const isId = /^(sha256:)?[0-9a-f]{64}$/.test(image);
    if (!isMissing || isId || flags.pull !== "missing") throw error;
    noteFailure(error);
    if (!flags.quiet) writeText(2, `Unable to find image '${withTag(image)}' locally\n`);
    await pullImage(client, image, flags);
    created = await client.containers.create(body, options);
  }
  for (const warning of created.Warnings ?? []) writeText(2, `WARNING: ${printable(warning)}\n`);
  if (flags.cidfile !== "") writeFileSync(flags.cidfile, created.Id);
  await shared?.finish(created.Id);
  return created.Id;
}

import type { BuildFailureDocument } from "#formats";
import type { CommandContext } from "../command.ts";
import { writeText } from "../output/write.ts";

/** Opens a shell in the files of a step that failed, as that step saw them; what is done there is lost at its end. */
export async function openDebugShell(
  context: CommandContext,
  image: NonNullable<BuildFailureDocument["debugImage"]>,
): Promise<void> {
  writeText(2, "\nA shell in the failed step's state; leave it with exit.\n");
  const { runCli } = await import("../program.ts");
  const target = (context.connection.hosts ?? []).flatMap((host) => ["--host", host]);
  await runCli([
    ...target,
    "run",
    "--rm",
    "--interactive",
    "--tty",
    "--entrypoint",
    "/bin/sh",
    ...image.environment.flatMap((entry) => ["--env", entry]),
    ...(image.directory === "" ? [] : ["--workdir", image.directory]),
    ...(image.user === "" ? [] : ["--user", image.user]),
    ...image.mounts.flatMap(({ source, target: place }) => ["--volume", `${source}:${place}`]),
    image.id,
  ]);
  await context.client.images.remove(image.id, { force: true }).catch(() => {
    // It is untagged: the next prune takes it.
  });
}

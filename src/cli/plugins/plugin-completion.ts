import type { ConnectionFlags } from "../connection/connect.ts";
import { pluginEnvironment } from "./plugin-environment.ts";
import type { PluginFile } from "./find-plugins.ts";

const COMPLETION_MS = 5000;
/** Cobra's directives, as bits (spf13/cobra: completions.go). */
const NO_FILES = 4;

/** The words a plugin offers, as cobra's `__complete` prints them: one a line with a description, a directive at the end. */
export async function completeWithPlugin(
  plugin: PluginFile,
  words: readonly string[],
  flags: ConnectionFlags,
): Promise<(readonly [string, string])[]> {
  const child = Bun.spawn([plugin.path, "__complete", plugin.name, ...words], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
    timeout: COMPLETION_MS,
    env: pluginEnvironment(flags),
  });
  const lines = (await child.stdout.text())
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("_activeHelp_"));
  await child.exited;
  const directive = Number(/^:(\d+)$/.exec(lines.at(-1) ?? "")?.[1] ?? "0");
  const candidates = lines
    .filter((line) => !/^:\d+$/.test(line))
    .map((line): readonly [string, string] => {
      const [word = "", description = ""] = line.split("\t");
      return [word, description];
    });
  return candidates.length === 0 && (directive & NO_FILES) === 0 ? [[":file", ""]] : candidates;
}

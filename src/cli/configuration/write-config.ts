import { mkdirSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { configDirectory, forgetConfig, readRawConfig } from "./config-file.ts";

/**
 * Changes `config.json`: `change` gets a copy of what it holds and edits it. What we do not know stays as it is. The new
 * file takes the old one's place whole, keeps its mode, and is private when it is new (it may hold passwords).
 */
export function updateConfig(change: (config: Record<string, unknown>) => void, directory = configDirectory()): void {
  const config = readRawConfig(directory) ?? {};
  change(config);
  // docker writes this key always, and some scripts count on it.
  if (config["auths"] === undefined) config["auths"] = {};
  const ordered = Object.fromEntries([["auths", config["auths"]], ...Object.entries(config)]);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  let path = join(directory, "config.json");
  let mode = 0o600;
  try {
    // Through a symbolic link, as dotfiles often are.
    path = realpathSync(path);
    mode = statSync(path).mode & 0o777;
  } catch {
    // It is new.
  }
  const temporary = join(dirname(path), `.config.json.${process.pid}`);
  try {
    writeFileSync(temporary, JSON.stringify(ordered, undefined, "\t"), { mode });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  forgetConfig(directory);
}

/**
 * The command that runs this same program in another role: from a checkout `bun src/main.ts`, compiled the file itself.
 * Bun must neither run the bunfig.toml nor read the .env of the directory it is started in (as in `bin/berth`).
 */
export function selfCommand(...args: string[]): string[] {
  const script = process.argv[1] ?? "";
  // In a compiled executable the script lies in bun's virtual file system.
  return script === "" || script.startsWith("/$bunfs/")
    ? [process.execPath, ...args]
    : [process.execPath, "--no-env-file", "--config=/dev/null", script, ...args];
}

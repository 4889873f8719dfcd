/** The command that runs this same program in another role: from a checkout `bun src/main.ts`, compiled the file itself. */
export function selfCommand(...args: string[]): string[] {
  const script = process.argv[1] ?? "";
  // In a compiled executable the script lies in bun's virtual file system.
  return script === "" || script.startsWith("/$bunfs/")
    ? [process.execPath, ...args]
    : [process.execPath, script, ...args];
}

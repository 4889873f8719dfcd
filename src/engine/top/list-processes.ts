import { errors } from "../errors.ts";

export type ProcessTable = { readonly titles: readonly string[]; readonly processes: readonly (readonly string[])[] };

/** Splits `ps` arguments at white space, as Docker does; `-o` lists and bare BSD options stay as they are. */
function splitArguments(text: string): string[] {
  return text.trim() === "" ? ["-ef"] : text.trim().split(/\s+/);
}

/**
 * `top`: `ps` of the host, only the lines of the given processes (moby `daemon/top_unix.go`). The last column keeps its
 * spaces. Throws invalid when the arguments make ps fail or hide the PID column.
 */
export async function listProcesses(pids: readonly number[], psArguments = ""): Promise<ProcessTable> {
  const args = splitArguments(psArguments);
  const ps = Bun.spawn(["ps", ...args], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [output, complaint, status] = await Promise.all([
    new Response(ps.stdout).text(),
    new Response(ps.stderr).text(),
    ps.exited,
  ]);
  if (status !== 0) throw errors.psFailed(complaint.trim().split("\n", 1)[0] ?? `exit status ${status}`);
  return parseProcessTable(output, pids);
}

/** Picks the lines of `pids` out of the output of ps. */
export function parseProcessTable(output: string, pids: readonly number[]): ProcessTable {
  const lines = output.split("\n").filter((line) => line !== "");
  const titles = (lines.shift() ?? "").trim().split(/\s+/);
  const pidColumn = titles.indexOf("PID");
  if (pidColumn < 0) throw errors.psWithoutPid();
  const wanted = new Set(pids.map(String));
  const processes: string[][] = [];
  for (const line of lines) {
    const words = line.trim().split(/\s+/);
    if (!wanted.has(words[pidColumn] ?? "")) continue;
    // Whatever comes after the last title belongs to it: a command with its arguments.
    const cells = words.slice(0, titles.length - 1);
    cells.push(words.slice(titles.length - 1).join(" "));
    processes.push(cells);
  }
  return { titles, processes };
}

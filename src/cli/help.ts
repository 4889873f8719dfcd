import type { Command } from "./command.ts";
import type { Flag } from "./flags/flag.ts";

const typeNames: Record<Flag["kind"], string> = {
  boolean: "",
  string: "string",
  list: "list",
  integer: "int",
  bytes: "bytes",
  duration: "duration",
  decimal: "decimal",
};

function shownDefault(flag: Flag): string {
  if (flag.shownDefault === "") return "";
  if (flag.shownDefault !== undefined) return ` (default ${flag.shownDefault})`;
  if (flag.kind === "boolean") return flag.initial === true ? " (default true)" : "";
  if (flag.kind === "duration") return " (default 0s)";
  return flag.kind === "string" && typeof flag.initial === "string" && flag.initial !== ""
    ? ` (default "${flag.initial}")`
    : "";
}

/** Breaks a line at spaces so that no piece is longer than `width` where that can be. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
}

const helpFlag: Flag = { kind: "boolean", description: "Print usage", initial: false };

/** The table of flags, sorted by name and wrapped to the terminal. */
export function renderFlags(flags: Readonly<Record<string, Flag>>, columns: number): string {
  // Where "-h" is another flag's, help is listed like any other.
  const hasOwnHelp = Object.values(flags).some(({ short }) => short === "h");
  const listed = hasOwnHelp ? { ...flags, help: helpFlag } : flags;
  const rows = Object.entries(listed)
    .filter(([, flag]) => flag.hidden !== true && flag.aliasOf === undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, flag]) => {
      const type = flag.typeName ?? typeNames[flag.kind];
      const short = flag.short === undefined ? "    " : `-${flag.short}, `;
      return {
        left: `  ${short}--${name}${type === "" ? "" : ` ${type}`}`,
        right: flag.description + shownDefault(flag),
      };
    });
  const leftWidth = Math.max(...rows.map(({ left }) => left.length)) + 3;
  const rightWidth = Math.max(24, columns - 1 - leftWidth);
  const lines = rows.flatMap(({ left, right }) =>
    right
      .split("\n")
      .flatMap((line) => wrap(line, rightWidth))
      .map((line, index) => (index === 0 ? left.padEnd(leftWidth) : " ".repeat(leftWidth)) + line),
  );
  return `${lines.join("\n")}\n`;
}

/** `Usage:  berth run [OPTIONS] …`, one line a form. */
export function renderUsage(command: Command, path: string): string {
  const forms = typeof command.synopsis === "string" ? [command.synopsis] : command.synopsis;
  return `Usage:  ${forms.map((form) => `berth ${path}${form === "" ? "" : ` ${form}`}`).join("\n\t")}\n`;
}

/** The whole `--help` of a command, laid out as docker's. */
export function renderHelp(command: Command, path: string, columns: number): string {
  let text = `${renderUsage(command, path)}\n${command.details ?? command.summary}\n`;
  if (command.aliases !== undefined && command.aliases.length > 0) {
    text += `\nAliases:\n  ${command.aliases.map((alias) => `berth ${alias}`).join(", ")}\n`;
  }
  if (command.examples !== undefined) {
    text += `\nExamples:\n${command.examples.map(([what, line]) => `  # ${what}\n  ${line}\n`).join("\n")}`;
  }
  if (Object.keys(command.flags).length > 0) text += `\nOptions:\n${renderFlags(command.flags, columns)}`;
  return text;
}

/** The sentence about a wrong number of operands; undefined when it is right. */
export function operandProblem(command: Command, path: string, count: number): string | undefined {
  const { min = 0, max = 0 } = command.operands ?? {};
  const counted = (number: number) => `${number} argument${number === 1 ? "" : "s"}`;
  if (count >= min && count <= max) return undefined;
  if (max === 0) return `'berth ${path}' accepts no arguments`;
  if (min === max) return `'berth ${path}' requires ${counted(min)}`;
  if (max === Number.POSITIVE_INFINITY) return `'berth ${path}' requires at least ${counted(min)}`;
  return min === 0
    ? `'berth ${path}' requires at most ${counted(max)}`
    : `'berth ${path}' requires at least ${min} and at most ${counted(max)}`;
}

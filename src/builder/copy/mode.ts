import { SyntaxFault } from "../parse/fault.ts";

/** What `--chmod` does to a mode. */
export type ModeChange =
  | { readonly kind: "octal"; readonly mode: number }
  | { readonly kind: "symbolic"; readonly text: string; readonly clauses: readonly Clause[] };

type Clause = {
  /** Bits of u, g, o that it may touch. */
  readonly who: number;
  readonly actions: readonly {
    readonly operator: "+" | "-" | "=";
    readonly permissions: string;
    readonly copy: "u" | "g" | "o" | undefined;
  }[];
};

const whoBits: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 };

/** Reads octal digits or the symbolic form of chmod(1); throws `SyntaxFault` in BuildKit's words. */
export function parseModeChange(text: string): ModeChange {
  if (/^[0-7]+$/.test(text)) {
    const mode = Number.parseInt(text, 8);
    if (!(mode <= 0o7777)) throw new SyntaxFault(octalMessage(text));
    return { kind: "octal", mode };
  }
  if (/^[+-]?\d/.test(text)) throw new SyntaxFault(octalMessage(text));
  const clauses = text.split(",").map((clause) => readClause(clause, text));
  return { kind: "symbolic", text, clauses };
}

function octalMessage(text: string): string {
  return `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`;
}

function readClause(clause: string, whole: string): Clause {
  const match = /^([ugoa]*)((?:[+\-=](?:[rwxXst]*|[ugo]))+)$/.exec(clause);
  if (match === null) {
    throw new SyntaxFault(
      `invalid chmod parameter: '${whole}'. it should be octal (0755) or symbolic as of chmod(1) (u=rwX,go=rX)`,
    );
  }
  const letters = match[1] === "" ? "a" : (match[1] ?? "a");
  const who = Array.from(letters).reduce((bits, letter) => bits | (whoBits[letter] ?? 0), 0);
  const actions = [...(match[2] ?? "").matchAll(/([+\-=])([ugo]|[rwxXst]*)/g)].map(
    ([, operator, permissions = ""]) => ({
      operator: operator as "+" | "-" | "=",
      permissions,
      copy: copyOf(permissions),
    }),
  );
  return { who, actions };
}

function copyOf(permissions: string): "u" | "g" | "o" | undefined {
  return permissions === "u" || permissions === "g" || permissions === "o" ? permissions : undefined;
}

/** The mode of an entry after the change. `X` gives x to folders and to what somebody may already execute. */
export function applyMode(change: ModeChange, mode: number, isDirectory: boolean): number {
  if (change.kind === "octal") return change.mode;
  let result = mode;
  for (const { who, actions } of change.clauses) {
    for (const { operator, permissions, copy } of actions) {
      const bits = (copy === undefined ? bitsOf(permissions, result, isDirectory) : copied(copy, result)) & who;
      if (operator === "+") result |= bits;
      else if (operator === "-") result &= ~bits;
      // A folder keeps setuid and setgid unless they are named, as chmod(1) has it.
      else result = (result & ~(isDirectory ? who & 0o777 : who)) | bits;
    }
  }
  return result & 0o7777;
}

function bitsOf(permissions: string, mode: number, isDirectory: boolean): number {
  let bits = 0;
  for (const letter of permissions) {
    if (letter === "r") bits |= 0o444;
    else if (letter === "w") bits |= 0o222;
    else if (letter === "x" || (letter === "X" && (isDirectory || (mode & 0o111) !== 0))) bits |= 0o111;
    else if (letter === "s") bits |= 0o6000;
    else if (letter === "t") bits |= 0o1000;
  }
  return bits;
}

function copied(from: "u" | "g" | "o", mode: number): number {
  const three = (mode >> { u: 6, g: 3, o: 0 }[from]) & 7;
  return (three << 6) | (three << 3) | three;
}

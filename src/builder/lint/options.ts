import { SyntaxFault } from "../parse/fault.ts";

/** What `# check=` and BUILDKIT_DOCKERFILE_CHECK say. */
export type CheckOptions = {
  readonly skip: ReadonlySet<string>;
  readonly skipAll: boolean;
  readonly experimental: ReadonlySet<string>;
  readonly experimentalAll: boolean;
  /** Any finding makes the build fail. */
  readonly isError: boolean;
};

export const defaultChecks: CheckOptions = {
  skip: new Set(),
  skipAll: false,
  experimental: new Set(),
  experimentalAll: false,
  isError: false,
};

/** Reads `skip=A,B;error=true;experimental=C`; throws `SyntaxFault` for what has no meaning. */
export function parseCheckOptions(text: string): CheckOptions {
  const trimmed = text.trim();
  if (trimmed === "") return defaultChecks;
  let options = defaultChecks;
  for (const part of trimmed.split(";").filter((piece) => piece.trim() !== "")) {
    const at = part.indexOf("=");
    if (at === -1) throw new SyntaxFault(`invalid check option ${JSON.stringify(part)}`);
    const key = part.slice(0, at).trim();
    const value = part.slice(at + 1).trim();
    const names = new Set(value.split(",").map((name) => name.trim()));
    if (key === "skip") options = { ...options, skipAll: value === "all", skip: value === "all" ? new Set() : names };
    else if (key === "experimental") {
      options = { ...options, experimentalAll: value === "all", experimental: value === "all" ? new Set() : names };
    } else if (key === "error") {
      if (!/^(?:1|t|true|0|f|false)$/i.test(value)) {
        throw new SyntaxFault(`failed to parse check option ${JSON.stringify(part)}: ${value} is no boolean`);
      }
      options = { ...options, isError: /^(?:1|t|true)$/i.test(value) };
    } else throw new SyntaxFault(`invalid check option ${JSON.stringify(key)}`);
  }
  return options;
}

/** The options of `# check=…` comments right above an instruction; what follows a blank is a reason for people. */
export function instructionChecks(comments: readonly string[]): CheckOptions | undefined {
  for (const comment of comments) {
    const value = /^check\s*=\s*(\S+)/i.exec(comment)?.[1];
    if (value !== undefined) return parseCheckOptions(value);
  }
  return undefined;
}

import { readFileSync } from "node:fs";
import { cliErrors } from "../errors.ts";

export type SecurityChoice = {
  readonly options: string[];
  /** Empty lists uncover everything; undefined leaves the daemon's defaults. */
  readonly maskedPaths: string[] | undefined;
  readonly readonlyPaths: string[] | undefined;
};

/** Reads `--security-opt`; the file of a seccomp profile is read here, because it is ours and not the daemon's. */
export function parseSecurity(specs: readonly string[]): SecurityChoice {
  const options: string[] = [];
  let uncovered = false;
  for (const spec of specs) {
    if (spec === "systempaths=unconfined") {
      uncovered = true;
      continue;
    }
    const match = /^([^=:]+)[=:](.*)$/s.exec(spec);
    if (match === null && spec !== "no-new-privileges") {
      throw cliErrors["bad-option"](`Invalid --security-opt: "${spec}"`);
    }
    const [, name, value = ""] = match ?? [];
    if (name === "seccomp" && value !== "unconfined" && value !== "builtin")
      options.push(`seccomp=${readProfile(value)}`);
    else options.push(spec);
  }
  return { options, maskedPaths: uncovered ? [] : undefined, readonlyPaths: uncovered ? [] : undefined };
}

function readProfile(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    throw cliErrors["bad-option"](`opening seccomp profile (${path}) failed: open ${path}: no such file or directory`);
  }
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    throw cliErrors["bad-option"](`compacting json for seccomp profile (${path}) failed: it is not JSON`);
  }
}

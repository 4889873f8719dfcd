import { tryParseReference, type Platform } from "#formats";
import { type Expansion, expandWord } from "../expand/word.ts";
import { suggest } from "../parse/fault.ts";
import type { FromInstruction, Instruction } from "../parse/instruction.ts";
import type { Dockerfile } from "../parse/dockerfile.ts";
import { formatPlatform, tryParsePlatform } from "../plan/platform.ts";
import type { Linter } from "./linter.ts";

type From = Instruction & FromInstruction;

/** Reports variables of FROM that no ARG before it declares. */
export function checkBase(from: From, expansion: Expansion, declared: readonly string[], linter: Linter): void {
  for (const name of expansion.unmatched) {
    if (declared.includes(name)) continue;
    const near = suggest(name, declared);
    const hint = near === undefined ? "" : ` (did you mean ${near}?)`;
    linter.report("UndefinedArgInFrom", from, `FROM argument '${name}' is not declared${hint}`);
  }
}

/** Reports a `--platform` that says what is so anyway, or always the same. */
export function checkPlatformFlag(
  from: From,
  written: string,
  expansion: Expansion,
  target: Platform,
  linter: Linter,
): void {
  if (expansion.matched.size === 0 && expansion.unmatched.size === 0) {
    const platform = tryParsePlatform(expansion.text);
    const name = from.name ?? "";
    if (platform === undefined || name.includes(platform.os) || name.includes(platform.architecture)) return;
    linter.report(
      "FromPlatformFlagConstDisallowed",
      from,
      `FROM --platform flag should not use constant value ${JSON.stringify(expansion.text)}`,
    );
    return;
  }
  const isTarget = expansion.matched.size === 1 && expansion.matched.has("TARGETPLATFORM");
  if (isTarget && expansion.unmatched.size === 0 && expansion.text === formatPlatform(target)) {
    linter.report(
      "RedundantTargetPlatform",
      from,
      `Setting platform to predefined ${written} in FROM is redundant as this is the default behavior`,
    );
  }
}

/** Reports bases that are no image name unless `--build-arg` makes them one. */
export function checkDefaultBases(dockerfile: Dockerfile, builtIn: ReadonlyMap<string, string>): void {
  const { escape, linter } = dockerfile;
  const values = new Map(builtIn);
  try {
    for (const { entries } of dockerfile.globalArguments) {
      for (const { name, value } of entries) {
        if (value !== undefined) values.set(name, expandWord(value, values, { escape }).text);
      }
    }
    for (const { from } of dockerfile.stages) {
      const name = expandWord(from.base, values, { escape }).text;
      if (tryParseReference(name) !== undefined) continue;
      linter.report(
        "InvalidDefaultArgInFrom",
        from,
        `Default value for ARG ${from.base} results in empty or invalid base image name`,
      );
    }
  } catch {
    // An expansion that fails is the build's error, not a finding.
  }
}

import type { SourceRange } from "../contract.ts";
import { type CheckOptions, instructionChecks } from "./options.ts";
import { type RuleName, rules, ruleUrl } from "./rules.ts";

/** What a check found. */
export type Finding = {
  readonly rule: RuleName;
  readonly description: string;
  readonly message: string;
  readonly url: string;
  readonly source: SourceRange;
};

/** Where a finding stands: an instruction, or lines with the comments above them. */
export type FindingPlace = {
  readonly startLine: number;
  readonly endLine: number;
  readonly comments: readonly string[];
};

/** Collects what checks find, as far as the Dockerfile wants to know. */
export type Linter = {
  report(rule: RuleName, place: FindingPlace, message: string): void;
  readonly findings: readonly Finding[];
  /** The sentence of the failure that `error=true` asks for; undefined when all is well. */
  violation(): string | undefined;
};

/**
 * @param file the Dockerfile's name
 * @param tell gets each finding at once
 */
export function createLinter(file: string, options: CheckOptions, tell: (finding: Finding) => void = () => {}): Linter {
  const findings: Finding[] = [];
  const seen = new Set<string>();
  return {
    findings,
    report: (rule, place, message) => {
      const local = instructionChecks(place.comments);
      const isExperimental = "isExperimental" in rules[rule];
      const isWanted = isExperimental
        ? [options, local].some((checks) => checks?.experimentalAll === true || checks?.experimental.has(rule) === true)
        : ![options, local].some((checks) => checks?.skipAll === true);
      if (!isWanted || options.skip.has(rule) || local?.skip.has(rule) === true) return;
      // A Dockerfile is read once for every platform.
      const key = `${rule}\0${place.startLine}\0${message}`;
      if (seen.has(key)) return;
      seen.add(key);
      const finding: Finding = {
        rule,
        description: rules[rule].description,
        message,
        url: ruleUrl(rule),
        source: { file, startLine: place.startLine, endLine: place.endLine },
      };
      findings.push(finding);
      tell(finding);
    },
    violation: () => {
      if (!options.isError || findings.length === 0) return undefined;
      return `lint violation found for rules: ${[...new Set(findings.map((finding) => finding.rule))].join(", ")}`;
    },
  };
}

/** A linter nobody listens to. */
export const silentLinter: Linter = { report: () => {}, findings: [], violation: () => undefined };

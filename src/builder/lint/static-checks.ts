import type { Dockerfile } from "../parse/dockerfile.ts";
import type { FromInstruction, Instruction } from "../parse/instruction.ts";
import type { Linter } from "./linter.ts";

/** Checks that need no more than the text. */
export function checkInstruction(instruction: Instruction, linter: Linter): void {
  if (instruction.kind === "maintainer") {
    linter.report("MaintainerDeprecated", instruction, "Maintainer instruction is deprecated in favor of using label");
  }
  if (instruction.kind === "from") checkFrom(instruction, linter);
  if (instruction.kind === "arg") {
    const names = instruction.entries.map((entry) => entry.name);
    checkDescription(instruction, "ARG", names, linter);
  }
}

function checkFrom(instruction: Instruction & FromInstruction, linter: Linter): void {
  const { writtenName, asWord, keyword, name } = instruction;
  if (name === undefined || writtenName === undefined || asWord === undefined) return;
  if (writtenName !== name) {
    linter.report("StageNameCasing", instruction, `Stage name '${writtenName}' should be lowercase`);
  }
  const isConsistent = keyword === keyword.toLowerCase() || keyword === keyword.toUpperCase();
  const wanted = keyword === keyword.toLowerCase() ? asWord.toLowerCase() : asWord.toUpperCase();
  if (isConsistent && asWord !== wanted) {
    linter.report("FromAsCasing", instruction, `'${asWord}' and '${keyword}' keywords' casing do not match`);
  }
  checkDescription(instruction, "FROM", [name], linter);
}

function checkDescription(instruction: Instruction, keyword: string, names: readonly string[], linter: Linter): void {
  const comments = instruction.comments.filter((comment) => !/^(?:check|syntax|escape)\s*=/i.test(comment));
  const comment = comments.at(-1);
  if (comment === undefined || names.some((name) => comments.some((text) => text.startsWith(`${name} `)))) return;
  const [only] = names;
  const shown = names.length === 1 ? only : keyword === "ARG" ? "<arg_key>" : "<stage_name>";
  linter.report(
    "InvalidDefinitionDescription",
    instruction,
    `Comment for ${keyword} should follow the format: \`# ${shown} <description>\``,
  );
}

/** Checks over all stages, once the Dockerfile is known to be well formed. */
export function checkStages(dockerfile: Dockerfile, linter: Linter): void {
  const names = new Set<string>();
  for (const { from } of dockerfile.stages) {
    if (from.name === undefined) continue;
    if (from.name === "scratch" || from.name === "context") {
      const message = `Stage name should not use the same name as reserved stage ${JSON.stringify(from.name)}`;
      linter.report("ReservedStageName", from, message);
    }
    if (names.has(from.name)) {
      const message = `Duplicate stage name ${JSON.stringify(from.name)}, stage names should be unique`;
      linter.report("DuplicateStageName", from, message);
    }
    names.add(from.name);
  }
  checkCasing(dockerfile, linter);
}

function checkCasing(dockerfile: Dockerfile, linter: Linter): void {
  const all = dockerfile.stages.flatMap((stage) => [stage.from, ...stage.instructions]);
  const isLower = (word: string) => word === word.toLowerCase();
  const isUpper = (word: string) => word === word.toUpperCase();
  const lower = all.filter(({ keyword }) => isLower(keyword)).length;
  const upper = all.filter(({ keyword }) => isUpper(keyword)).length;
  const majority = lower > upper ? "lowercase" : "uppercase";
  for (const instruction of all) {
    const { keyword } = instruction;
    if (majority === "lowercase" ? isLower(keyword) : isUpper(keyword)) continue;
    const message = `Command '${keyword}' should match the case of the command majority (${majority})`;
    linter.report("ConsistentInstructionCasing", instruction, message);
  }
}

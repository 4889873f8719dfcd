import { compileIgnoreRules } from "#formats";
import { suggest } from "../parse/fault.ts";
import type { Instruction } from "../parse/instruction.ts";
import { cleanSource } from "../copy/selection.ts";
import type { Linter } from "./linter.ts";

const secretWords = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const harmlessWords = /(?:_|^)(?:public|file|version)(?:_|$)/i;

/** Reports variables that nothing gives a value. */
export function checkVariables(
  instruction: Instruction,
  unmatched: ReadonlySet<string>,
  declared: readonly string[],
  known: Iterable<string>,
  linter: Linter,
): void {
  for (const name of unmatched) {
    if (declared.includes(name)) continue;
    const near = suggest(name, known);
    const hint = near === undefined ? "" : ` (did you mean $${near}?)`;
    linter.report("UndefinedVar", instruction, `Usage of undefined variable '$${name}'${hint}`);
  }
}

/** Checks of what an instruction says by itself, whatever came before. */
export function checkStep(instruction: Instruction, shellSet: boolean, linter: Linter): void {
  const keyword = instruction.kind.toUpperCase();
  const { kind } = instruction;
  if (kind === "env" || kind === "label") {
    for (const pair of instruction.pairs) {
      if (pair.isLegacy) {
        const message = `"${keyword} key=value" should be used instead of legacy "${keyword} key value" format`;
        linter.report("LegacyKeyValueFormat", instruction, message);
      }
      if (kind === "env") checkSecret(instruction, "ENV", pair.name, linter);
    }
  } else if (kind === "arg") {
    for (const { name } of instruction.entries) checkSecret(instruction, "ARG", name, linter);
  } else if (kind === "cmd" || kind === "entrypoint") {
    if (instruction.command.form !== "shell" || shellSet) return;
    const message = `JSON arguments recommended for ${keyword} to prevent unintended behavior related to OS signals`;
    linter.report("JSONArgsRecommended", instruction, message);
  }
}

function checkSecret(instruction: Instruction, keyword: string, name: string, linter: Linter): void {
  if (!secretWords.test(name) || harmlessWords.test(name)) return;
  const message = `Do not use ARG or ENV instructions for sensitive data (${keyword} ${JSON.stringify(name)})`;
  linter.report("SecretsUsedInArgOrEnv", instruction, message);
}

/** Reports the first WORKDIR that depends on the base image's. */
export function checkWorkdir(instruction: Instruction, path: string, isFirst: boolean, linter: Linter): void {
  if (!isFirst || path.startsWith("/")) return;
  linter.report(
    "WorkdirRelativePath",
    instruction,
    `Relative workdir ${JSON.stringify(path)} can have unexpected results if the base image changes`,
  );
}

/** Reports the earlier of two instructions of which only the last one counts; notes this one in `used`. */
export function checkOnlyOne(instruction: Instruction, used: Map<string, Instruction>, linter: Linter): void {
  const earlier = used.get(instruction.kind);
  if (earlier !== undefined) {
    const keyword = earlier.kind.toUpperCase();
    linter.report(
      "MultipleInstructionsDisallowed",
      earlier,
      `Multiple ${keyword} instructions should not be used in the same stage because only the last one will be used`,
    );
  }
  used.set(instruction.kind, instruction);
}

/** Reports what EXPOSE says that means nothing in an image. */
export function checkPorts(instruction: Instruction, words: readonly string[], linter: Linter): void {
  for (const word of words) {
    const [address = "", protocol] = word.split("/");
    if (address.includes(":")) {
      linter.report(
        "ExposeInvalidFormat",
        instruction,
        `EXPOSE instruction should not define an IP address or host-port mapping, found '${word}'`,
      );
    }
    if (protocol !== undefined && protocol !== protocol.toLowerCase()) {
      const message = `Defined protocol '${word}' in EXPOSE instruction should be lowercase`;
      linter.report("ExposeProtoCasing", instruction, message);
    }
  }
}

/** Reports sources of the context that the ignore file leaves out. With exceptions in it nobody can tell. */
export function checkIgnored(
  instruction: Instruction,
  sources: readonly string[],
  patterns: readonly string[],
  linter: Linter,
): void {
  if (patterns.length === 0 || patterns.some((pattern) => pattern.startsWith("!"))) return;
  const rules = compileIgnoreRules(patterns);
  const verb = instruction.kind === "add" ? "Add" : "Copy";
  for (const source of sources) {
    const path = cleanSource(source);
    const isRoot = path === "." || path === "/";
    if (isRoot && !patterns.some((pattern) => ["*", "**", "**/*"].includes(pattern))) continue;
    if (!isRoot && !rules.ignores(path.replace(/^\/+/, ""))) continue;
    const message = `Attempting to ${verb} file ${JSON.stringify(path)} that is excluded by .dockerignore`;
    linter.report("CopyIgnoredFile", instruction, message);
  }
}

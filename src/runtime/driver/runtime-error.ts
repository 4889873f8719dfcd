import type { EngineError } from "#base";
import { errors, type RuntimeAction } from "../errors.ts";

/** What a runtime logged last, from its `--log-format json` file or its plain output. */
export function runtimeMessage(log: string): string {
  const lines = log.split("\n").filter((line) => line.trim() !== "");
  for (const line of lines.toReversed()) {
    try {
      const record = JSON.parse(line) as { msg?: unknown; level?: unknown };
      if (typeof record.msg === "string" && record.level !== "debug" && record.level !== "info") return record.msg;
    } catch {
      return line;
    }
  }
  return "";
}

/**
 * A failed run or exec as the error clients know: not found (exit code 127), not executable (126), anything else. The
 * texts hold the words that the docker CLI and docker-py match on. What each runtime
 * says was recorded from crun 1.8 and runc 1.1 (`runtime-error.test.ts`).
 */
export function runtimeError(log: string, command: string, action: RuntimeAction = "create"): EngineError {
  const message = runtimeMessage(log);
  const quoted = JSON.stringify(command);
  const about = message.toLowerCase();
  const file = /chdir `([^`]+)`: not a directory|mkdir (\S+): not a directory/i.exec(message);
  if (file !== null && action === "create") return errors.workingDirectoryFile(file[1] ?? file[2] ?? "");
  if (/chdir|\bcwd\b|mkdir .*not a directory/.test(about)) return errors.workingDirectoryUnusable(action, message);
  if (/executable file .*not found/.test(about)) {
    return command.includes("/")
      ? errors.commandNotFound(action, quoted, `stat ${command}: no such file or directory`)
      : errors.commandNotFound(action, quoted, "executable file not found in $PATH");
  }
  if (/exec: .*no such file or directory/.test(about)) {
    return errors.commandNotFound(action, quoted, `stat ${command}: no such file or directory`);
  }
  if (/open executable|exec: .*permission denied|exec: .*is a directory/.test(about)) {
    return errors.commandNotExecutable(action, quoted);
  }
  return errors.runtimeFailed(action, message === "" ? "the runtime gave no reason" : message);
}

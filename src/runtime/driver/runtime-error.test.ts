import { expect, test } from "bun:test";
import { runtimeError } from "./runtime-error.ts";

const record = (msg: string) => `${JSON.stringify({ msg, level: "error", time: "2026-01-01T00:00:00Z" })}\n`;

test.each([
  [
    "nosuch",
    "executable file `nosuch` not found in $PATH: No such file or directory",
    "commandNotFound",
    'exec: "nosuch": executable file not found in $PATH',
  ],
  [
    "nosuch",
    'runc run failed: unable to start container process: exec: "nosuch": executable file not found in $PATH',
    "commandNotFound",
    "executable file not found in $PATH",
  ],
  [
    "/nosuch",
    "executable file `/nosuch` not found in $PATH: No such file or directory",
    "commandNotFound",
    "no such file or directory",
  ],
  [
    "/nosuch",
    'runc run failed: unable to start container process: exec: "/nosuch": stat /nosuch: no such file or directory',
    "commandNotFound",
    "no such file or directory",
  ],
  ["/noexec", "open executable: Permission denied", "commandNotExecutable", "permission denied"],
  [
    "/noexec",
    'runc run failed: unable to start container process: exec: "/noexec": permission denied',
    "commandNotExecutable",
    "permission denied",
  ],
  ["/dir", "open executable: Operation not permitted", "commandNotExecutable", "permission denied"],
  ["sh", "chdir `/noexec`: Not a directory", "workingDirectoryFile", "Cannot mkdir: /noexec is not a directory"],
  [
    "sh",
    "runc run failed: unable to start container process: error during container init: mkdir /noexec: not a directory",
    "workingDirectoryFile",
    "not a directory",
  ],
  [
    "sh",
    "write to /sys/fs/cgroup/memory/memory.limit_in_bytes: Invalid argument",
    "runtimeFailed",
    "memory.limit_in_bytes",
  ],
])("runtimeError() of %p, %p", (command, message, code, text) => {
  const error = runtimeError(record(message), command);
  expect(error.code).toBe(code);
  expect(error.message).toContain(text);
});

test("runtimeError() reads plain text and an empty log too", () => {
  expect(runtimeError("open executable: Permission denied\n", "/x").code).toBe("commandNotExecutable");
  expect(runtimeError("", "/x").message).toContain("the runtime gave no reason");
});

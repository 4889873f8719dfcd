import { closeSync, openSync, writeSync } from "node:fs";
import { defineCommand } from "../command.ts";
import { packContext } from "../contexts/archive.ts";
import { defaultDocument } from "../contexts/default-context.ts";
import { checkContextName, getContext } from "../contexts/store.ts";
import { cliErrors } from "../errors.ts";
import { writeBytes, writeText } from "../output/write.ts";
import { isTerminal } from "../terminal/terminal.ts";

export const command = defineCommand({
  summary: "Export a context to a tar archive FILE or a tar stream on STDOUT.",
  synopsis: "[OPTIONS] CONTEXT [FILE|-]",
  operands: { min: 1, max: 2 },
  completes: (index) => (index === 0 ? "context" : "file"),
  flags: {},
  async run(_context, _flags, [name = "", file = `${name}.dockercontext`]) {
    if (name !== "default") checkContextName(name);
    const archive = packContext(name === "default" ? defaultDocument() : getContext(name));
    if (file === "-") {
      if (isTerminal(1)) {
        throw cliErrors["bad-option"]("cowardly refusing to export to a terminal, specify a file path");
      }
      await writeBytes(1, archive);
      return;
    }
    let descriptor: number;
    try {
      // It may hold a private key.
      descriptor = openSync(file, "wx", 0o600);
    } catch (error) {
      const { code } = error as { code?: string };
      throw cliErrors["file-unreadable"](
        file,
        code === "EEXIST" ? "file exists" : code === "ENOENT" ? "no such file or directory" : (code ?? "unwritable"),
      );
    }
    try {
      for (let rest = archive; rest.length > 0;) rest = rest.subarray(writeSync(descriptor, rest));
    } finally {
      closeSync(descriptor);
    }
    writeText(2, `Written file "${file}"\n`);
  },
});

import { defineCommand } from "../command.ts";
import { unpackContext } from "../contexts/archive.ts";
import { checkContextName, findContext, saveContext, saveTls } from "../contexts/store.ts";
import { cliErrors } from "../errors.ts";
import { writeText } from "../output/write.ts";
import { openSource } from "../streams/file-source.ts";
import { readStandardInput } from "../streams/standard-input.ts";

export const command = defineCommand({
  summary: "Import a context from a tar or zip file",
  synopsis: "CONTEXT FILE|-",
  operands: { min: 2, max: 2 },
  completes: (index) => (index === 0 ? undefined : "file"),
  flags: {},
  async run(_context, _flags, [name = "", file = ""]) {
    checkContextName(name);
    if (findContext(name) !== undefined) throw cliErrors["bad-option"](`context "${name}" already exists`);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of file === "-" ? readStandardInput() : openSource(file)) {
      chunks.push(chunk);
      size += chunk.length;
      // More than this is refused anyhow; an endless stream must not fill the memory.
      if (size > 16 * 1024 * 1024) break;
    }
    const { document, tls } = unpackContext(Buffer.concat(chunks));
    saveTls(name, tls);
    saveContext({ ...document, Name: name });
    writeText(1, `${name}\n`);
    writeText(2, `Successfully imported context "${name}"\n`);
  },
});

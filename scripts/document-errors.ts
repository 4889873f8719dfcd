import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Writes docs/errors.md from the catalogues (`errors.ts` of each folder): code, kind, sentence, hint. */
const root = join(import.meta.dir, "..");
const source = join(root, "src");

type Entry = { readonly code: string; readonly kind: string; readonly message: string; readonly hint: string };

/** The text of a function's template, `${name}` shown as `<name>`; several templates are alternatives. */
function sentences(text: string): string {
  // A part that may be absent has a template of its own inside; it is left out.
  const outer = text.replaceAll(/\$\{[^{}`]*\? "" : `[^`]*`\}/g, "");
  const literals = [...outer.matchAll(/`((?:[^`\\]|\\.)*)`|"((?:[^"\\]|\\.)*)"/g)].map(([, template, plain]) =>
    (template ?? plain ?? "")
      .replaceAll(/\$\{(?:[^{}]|\{[^{}]*\})*?(\w+)[^\w{}]*\}/g, "<$1>")
      .replaceAll(/\\(["`\\])/g, "$1")
      .replaceAll("\\n", " "),
  );
  return [...new Set(literals)]
    .filter((literal) => literal.trim().length > 1)
    .join(" / ")
    .replaceAll("|", "\\|");
}

function entriesOf(file: string): Entry[] {
  const text = readFileSync(file, "utf8");
  // Catalogue entries are objects of two spaces' indent within defineErrors({ … }); the formatter keeps them so.
  const pattern = /^ {2}(?:"([^"]+)"|([\w-]+)): \{([\s\S]*?)(?:^ {2}\}|\}),?$/gm;
  return [...text.matchAll(pattern)].flatMap(([, quoted, plain, body = ""]) => {
    const kind = /kind: "([^"]+)"/.exec(body)?.[1];
    if (kind === undefined) return [];
    const [, message = "", hint = ""] =
      /message:\s*(?:\([^)]*\)\s*(?::[^=]*)?=>)?([\s\S]*?)(?:\n\s+hint:\s*([\s\S]*))?$/.exec(body) ?? [];
    return [
      {
        code: quoted ?? plain ?? "",
        kind,
        message: sentences(message) || "*what was wrong, in words*",
        hint: sentences(hint),
      },
    ];
  });
}

const sections = readdirSync(source, { withFileTypes: true })
  .flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  .toSorted()
  .flatMap((folder) => {
    const files = readdirSync(join(source, folder), { recursive: true, encoding: "utf8" }).filter(
      (name) => name === "errors.ts" || name.endsWith("/errors.ts"),
    );
    const entries = files.toSorted().flatMap((name) => entriesOf(join(source, folder, name)));
    if (entries.length === 0) return [];
    const rows = entries.map(
      ({ code, kind, message, hint }) => `| ${code} | ${kind} | ${message}${hint === "" ? "" : ` — *${hint}*`} |`,
    );
    return [`## ${folder}\n\n| code | kind | message |\n|---|---|---|\n${rows.join("\n")}\n`];
  });

writeFileSync(
  join(root, "docs/errors.md"),
  `# Errors

Every error a user can see, by the folder that declares it. Written by \`bun scripts/document-errors.ts\` from the catalogues; a test compares.
The kind decides the HTTP status (\`src/server/status.ts\`) and the exit code (\`src/cli/exit-code.ts\`).

${sections.join("\n")}`,
);

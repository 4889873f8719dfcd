import { fieldState } from "./field-states.ts";
import { requestBodies } from "./request-fields.ts";

function table(endpoint: string, fields: readonly string[]): string {
  const rows = fields.map((field) => {
    const { state, note } = fieldState(endpoint, field);
    return `| ${field} | ${state} | ${note} |`;
  });
  return `## ${endpoint}\n\n| field | state | |\n|---|---|---|\n${rows.join("\n")}\n`;
}

/** The text of docs/api-fields.md. */
export function fieldsPage(): string {
  const tables = [...requestBodies].map(([endpoint, fields]) => table(endpoint, fields));
  return `# The fields of requests

Made by \`bun scripts/document-endpoints.ts\` from what the daemon reads (\`src/formats/docker\`); a test holds it against that, and that against the published
description of the API where it lies beside the checkout. \`tests/conformance/fields.test.ts\` sends every field and sees that it is as it says here.

- *full*: in force. *limited*: in force for the values named; others are refused.
- *dropped*: not in force, and the answer warns. *refused*: an error.
- *no effect*: taken as Docker takes it, which does nothing with it either.

\`*\` stands for any name. Fields of the description that no request has here are listed in [api.md](api.md) with the reason. \`exec start\` takes
\`Detach\`, \`Tty\` and \`ConsoleSize\`, all in force.

${tables.join("\n")}`;
}

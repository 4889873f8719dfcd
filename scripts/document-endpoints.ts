import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandsPage } from "../tests/schema/commands-page.ts";
import { endpointsPage } from "../tests/schema/endpoints-page.ts";
import { fieldsPage } from "../tests/schema/fields-page.ts";

/** Writes the pages of docs/ that list what there is: endpoints, fields of requests, commands. */
const pages = { api: endpointsPage(), "api-fields": fieldsPage(), commands: await commandsPage() };
for (const [name, text] of Object.entries(pages)) {
  const file = join(import.meta.dir, `../docs/${name}.md`);
  writeFileSync(file, text);
  console.log(`wrote ${file}`);
}

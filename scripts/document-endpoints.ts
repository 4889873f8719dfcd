import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { endpointsPage } from "../tests/schema/endpoints-page.ts";

/** Writes docs/api.md from the table of routes. */
const file = join(import.meta.dir, "../docs/api.md");
writeFileSync(file, endpointsPage());
console.log(`wrote ${file}`);

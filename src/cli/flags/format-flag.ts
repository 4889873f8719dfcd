import { flag } from "./flag.ts";

/** `--format` of listings. */
export const listFormatFlag = flag.string(
  `Format output using a custom template:
'table':            Print output in table format with column headers (default)
'table TEMPLATE':   Print output in table format using the given Go template
'json':             Print in JSON format
'TEMPLATE':         Print output using the given Go template`,
);

const description = `Format output using a custom template:
'json':             Print in JSON format
'TEMPLATE':         Print output using the given Go template`;

/** `--format` of commands that show one document or a stream of them. */
export const documentFormatFlag = flag.string(description);

/** The same with its short form, where docker has one. */
export const shortDocumentFormatFlag = flag.string(description, { short: "f" });

import { defineCommand } from "../command.ts";
import { currentContext } from "../contexts/current.ts";
import { defaultDocument } from "../contexts/default-context.ts";
import { getContext, metadataPath, readTls, tlsPath } from "../contexts/store.ts";
import { shortDocumentFormatFlag } from "../flags/format-flag.ts";
import { inspectAll } from "../inspect.ts";

/** A context with where it is kept and which files of TLS it has. */
function describe(name: string): unknown {
  if (name === "default") {
    return {
      ...defaultDocument(),
      TLSMaterial: {},
      Storage: { MetadataPath: "<IN MEMORY>", TLSPath: "<IN MEMORY>" },
    };
  }
  const document = getContext(name);
  const files = Object.keys(readTls(name));
  return {
    ...document,
    TLSMaterial: files.length === 0 ? {} : { docker: files },
    Storage: { MetadataPath: metadataPath(name), TLSPath: tlsPath(name) },
  };
}

export const command = defineCommand({
  summary: "Display detailed information on one or more contexts",
  synopsis: "[OPTIONS] [CONTEXT] [CONTEXT...]",
  operands: { max: Number.POSITIVE_INFINITY },
  completes: () => "context",
  examples: [["Where a context's daemon is", "berth context inspect --format '{{.Endpoints.docker.Host}}' build"]],
  flags: {
    format: shortDocumentFormatFlag,
  },
  run: ({ connection }, flags, names) =>
    inspectAll(
      names.length === 0 ? [currentContext(connection).name] : names,
      flags.format,
      async (name) => describe(name),
      {
        escapesHtml: true,
        goType: "context.contextWithTLSListing",
        fallsBack: false,
      },
    ),
});

import { defineCommand } from "../command.ts";
import { currentContext, hostVariable } from "../contexts/current.ts";
import { currentEndpoint, defaultDescription } from "../contexts/default-context.ts";
import { contextNotFound, endpointOf, listContexts } from "../contexts/store.ts";
import { flag } from "../flags/flag.ts";
import { listFormatFlag } from "../flags/format-flag.ts";
import { printList, type Row } from "../output/list.ts";
import { ellipsis } from "../output/truncate.ts";
import { writeText } from "../output/write.ts";
import { byNaturalOrder } from "../rows/natural-order.ts";

const errorLimit = 45;

export const command = defineCommand({
  summary: "List contexts",
  synopsis: "[OPTIONS]",
  aliases: ["context ls", "context list"],
  flags: {
    format: listFormatFlag,
    quiet: flag.boolean("Only show context names", { short: "q" }),
  },
  async run({ connection }, flags) {
    const current = currentContext(connection).name;
    const contexts = listContexts().map((document) => ({
      name: document.Name,
      description: document.Metadata.Description ?? "",
      host: endpointOf(document)?.Host ?? "",
      error: "",
    }));
    contexts.push({ name: "default", description: defaultDescription, host: currentEndpoint().Host ?? "", error: "" });
    if (!contexts.some(({ name }) => name === current)) {
      contexts.push({ name: current, description: "", host: "", error: contextNotFound(current) });
    }
    printList({
      format: flags.format,
      quiet: flags.quiet,
      defaultTable: "{{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}",
      quietTemplate: "{{.Name}}",
      headers: { Name: "NAME", Description: "DESCRIPTION", DockerEndpoint: "DOCKER ENDPOINT", Error: "ERROR" },
      rows: contexts
        .sort((left, right) => byNaturalOrder(left.name, right.name))
        .map(({ name, description, host, error }): Row => ({
          Current: name === current,
          Description: description,
          DockerEndpoint: host,
          Error: ellipsis(error, errorLimit),
          Name: name,
        })),
      subject: "*formatter.clientContextContext",
    });
    const variable = hostVariable();
    if (variable !== undefined && connection.context === undefined) {
      writeText(
        2,
        `Warning: ${variable} environment variable overrides the active context. To use a context, either set the global --context flag, or unset ${variable} environment variable.\n`,
      );
    }
  },
});

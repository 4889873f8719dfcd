import { defineCommand } from "../command.ts";
import { endpointHelp, parseEndpointSettings, readEndpointSettings } from "../contexts/endpoint-settings.ts";
import { checkContextName, type ContextDocument, getContext, saveContext, saveTls } from "../contexts/store.ts";
import { flag } from "../flags/flag.ts";
import { writeText } from "../output/write.ts";

export const command = defineCommand({
  summary: "Update a context",
  details: `Update a context\n${endpointHelp}`,
  synopsis: "[OPTIONS] CONTEXT",
  operands: { min: 1, max: 1 },
  completes: () => "context",
  examples: [["Point a context at another socket", 'berth context update lab --docker "host=unix:///run/lab.sock"']],
  flags: {
    description: flag.string("Description of the context"),
    docker: flag.list("set the docker endpoint", { typeName: "stringToString", shownDefault: "[]" }),
  },
  async run(_context, flags, [name = ""]) {
    checkContextName(name);
    let document: ContextDocument = getContext(name);
    if (flags.description !== "") {
      document = { ...document, Metadata: { ...document.Metadata, Description: flags.description } };
    }
    if (flags.docker.length > 0) {
      const { endpoint, tls } = readEndpointSettings(parseEndpointSettings(flags.docker));
      document = { ...document, Endpoints: { ...document.Endpoints, docker: endpoint } };
      saveTls(name, tls);
    }
    saveContext(document);
    writeText(1, `${name}\n`);
    writeText(2, `Successfully updated context "${name}"\n`);
  },
});

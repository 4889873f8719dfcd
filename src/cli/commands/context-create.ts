import { defineCommand } from "../command.ts";
import { currentEndpoint, defaultDescription } from "../contexts/default-context.ts";
import { endpointHelp, parseEndpointSettings, readEndpointSettings } from "../contexts/endpoint-settings.ts";
import { checkContextName, findContext, getContext, readTls, saveContext, saveTls } from "../contexts/store.ts";
import { cliErrors } from "../errors.ts";
import { flag } from "../flags/flag.ts";
import { writeText } from "../output/write.ts";

export const command = defineCommand({
  summary: "Create a context",
  details: `Create a context\n${endpointHelp}`,
  synopsis: "[OPTIONS] CONTEXT",
  operands: { min: 1, max: 1 },
  examples: [
    ["A machine reached by ssh", 'berth context create build --docker "host=ssh://ada@build.example"'],
    [
      "A daemon behind TLS",
      'berth context create prod --docker "host=tcp://10.0.0.5:2376,ca=ca.pem,cert=cert.pem,key=key.pem"',
    ],
  ],
  flags: {
    description: flag.string("Description of the context"),
    docker: flag.list("set the docker endpoint", { typeName: "stringToString", shownDefault: "[]" }),
    from: flag.string("create context from a named context"),
  },
  async run(_context, flags, [name = ""]) {
    checkContextName(name);
    if (findContext(name) !== undefined) throw cliErrors["bad-option"](`context "${name}" already exists`);
    if (flags.from !== "" && flags.docker.length > 0) {
      throw cliErrors["bad-option"]("cannot use --docker flag when --from is set");
    }
    const Metadata = flags.description === "" ? {} : { Description: flags.description };
    if (flags.docker.length > 0) {
      const { endpoint, tls } = readEndpointSettings(parseEndpointSettings(flags.docker));
      saveTls(name, tls);
      saveContext({ Name: name, Metadata, Endpoints: { docker: endpoint } });
    } else if (flags.from === "" || flags.from === "default") {
      // As docker does: what the environment says now is kept under a name.
      saveTls(name, {});
      saveContext({
        Name: name,
        Metadata: { Description: defaultDescription, ...Metadata },
        Endpoints: { docker: currentEndpoint() },
      });
    } else {
      const source = getContext(flags.from);
      saveTls(name, readTls(flags.from));
      saveContext({ ...source, Name: name, Metadata: { ...source.Metadata, ...Metadata } });
    }
    writeText(1, `${name}\n`);
    writeText(2, `Successfully created context "${name}"\n`);
  },
});

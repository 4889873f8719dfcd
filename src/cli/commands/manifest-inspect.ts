import { canonicalName } from "#formats";
import { defineCommand } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { flag } from "../flags/flag.ts";
import { indexOf, type ListedManifest, readList } from "../manifests/manifest-store.ts";
import { fetchManifest, listManifests, openRegistries, readName } from "../manifests/remote.ts";
import { writeText } from "../output/write.ts";

function show(value: unknown): void {
  writeText(1, `${JSON.stringify(value, undefined, "\t")}\n`);
}

/** The manifest itself, as the registry has it. */
function documentOf(manifest: ListedManifest): unknown {
  return JSON.parse(Buffer.from(manifest.Raw, "base64").toString("utf8"));
}

export const command = defineCommand({
  summary: "Display an image manifest, or manifest list",
  synopsis: "[OPTIONS] [MANIFEST_LIST] MANIFEST",
  operands: { min: 1, max: 2 },
  flags: {
    insecure: flag.boolean("Allow communication with an insecure registry"),
    verbose: flag.boolean("Output additional info including layers and platform", { short: "v" }),
  },
  neverStartsDaemon: true,
  async run(_context, flags, operands) {
    const [first = "", second] = operands;
    if (second !== undefined) {
      const listName = canonicalName(readName(first));
      const name = canonicalName(readName(second));
      const found = readList(listName)?.find(({ Ref: ref }) => ref === name);
      if (found === undefined) throw cliErrors["manifest-missing"](name);
      show(flags.verbose ? found : documentOf(found));
      return;
    }
    const reference = readName(first);
    const local = readList(canonicalName(reference));
    if (local !== undefined) {
      const mediaType = "application/vnd.docker.distribution.manifest.list.v2+json";
      show(flags.verbose ? local : indexOf(local, mediaType));
      return;
    }
    const registries = await openRegistries([reference], flags.insecure);
    try {
      if (!flags.verbose) {
        const { bytes, mediaType } = await fetchManifest(registries, reference);
        // Refused here if it is none.
        registries.documents.parseManifest(bytes, mediaType, canonicalName(reference));
        show(JSON.parse(Buffer.from(bytes).toString("utf8")));
        return;
      }
      const { manifests, isIndex } = await listManifests(registries, reference);
      show(isIndex ? manifests : manifests[0]);
    } finally {
      registries.close();
    }
  },
});

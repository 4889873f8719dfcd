import { canonicalName } from "#formats";
import { defineCommand } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { flag } from "../flags/flag.ts";
import { hasList, removeList, writeListed } from "../manifests/manifest-store.ts";
import { listManifests, openRegistries, readName } from "../manifests/remote.ts";
import { writeText } from "../output/write.ts";

export const command = defineCommand({
  summary: "Create a local manifest list for annotating and pushing to a registry",
  synopsis: "MANIFEST_LIST MANIFEST [MANIFEST...]",
  operands: { min: 2, max: Number.POSITIVE_INFINITY },
  examples: [["One name for two platforms", "berth manifest create shop:1 shop:1-amd64 shop:1-arm64"]],
  flags: {
    amend: flag.boolean("Amend an existing manifest list", { short: "a" }),
    insecure: flag.boolean("Allow communication with an insecure registry"),
  },
  neverStartsDaemon: true,
  async run(_context, flags, [listText = "", ...names]) {
    const list = readName(listText);
    const listName = canonicalName(list);
    const isNew = !hasList(listName);
    if (!isNew && !flags.amend) {
      throw cliErrors["manifest-conflict"]("refusing to amend an existing manifest list with no --amend flag");
    }
    const references = names.map(readName);
    const registries = await openRegistries(references, flags.insecure);
    try {
      // All are fetched before one is written: a list is made whole or not at all.
      const found = [];
      for (const reference of references) {
        const { manifests, isIndex } = await listManifests(registries, reference);
        if (isIndex) throw cliErrors["manifest-conflict"](`${canonicalName(reference)} is a manifest list`);
        found.push(...manifests);
      }
      for (const manifest of found) writeListed(listName, manifest);
    } catch (error) {
      if (isNew) removeList(listName);
      throw error;
    } finally {
      registries.close();
    }
    writeText(1, `Created manifest list ${listName}\n`);
  },
});

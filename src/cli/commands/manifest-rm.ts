import { canonicalName } from "#formats";
import { defineCommand } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { removeList } from "../manifests/manifest-store.ts";
import { readName } from "../manifests/remote.ts";

export const command = defineCommand({
  summary: "Delete one or more manifest lists from local storage",
  synopsis: "MANIFEST_LIST [MANIFEST_LIST...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  flags: {},
  neverStartsDaemon: true,
  async run(_context, _flags, names) {
    const missing = names.map((name) => canonicalName(readName(name))).filter((name) => !removeList(name));
    if (missing.length > 0) throw cliErrors["manifest-missing"](missing.join("\nNo such manifest: "));
  },
});

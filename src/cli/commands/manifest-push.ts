import { canonicalName, mediaTypes, parseReference, splitRepository } from "#formats";
import { defineCommand } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { flag } from "../flags/flag.ts";
import { indexOf, readList, removeList } from "../manifests/manifest-store.ts";
import { openRegistries, readName } from "../manifests/remote.ts";
import { writeText } from "../output/write.ts";

export const command = defineCommand({
  summary: "Push a manifest list to a repository",
  synopsis: "[OPTIONS] MANIFEST_LIST",
  operands: { min: 1, max: 1 },
  flags: {
    insecure: flag.boolean("Allow push to an insecure registry"),
    purge: flag.boolean("Remove the local manifest list after push", { short: "p" }),
  },
  neverStartsDaemon: true,
  async run(_context, flags, [text = ""]) {
    const list = readName(text);
    const listName = canonicalName(list);
    const manifests = readList(listName);
    if (manifests === undefined) throw cliErrors["manifest-missing"](listName);
    if (manifests.length === 0) throw cliErrors["manifest-conflict"](`${listName} not found`);
    const target = splitRepository(list.repository);
    const sources = manifests.map((manifest) => {
      const { repository } = parseReference(manifest.Ref);
      const source = splitRepository(repository);
      if (source.domain !== target.domain) {
        throw cliErrors["manifest-conflict"](
          `cannot use source images from a different registry than the target image: ${source.domain} != ${target.domain}`,
        );
      }
      const { os, architecture } = manifest.Descriptor.platform;
      if (os === "" || architecture === "") {
        throw cliErrors["manifest-conflict"](
          `manifest ${manifest.Ref} must have an OS and Architecture to be pushed to a registry`,
        );
      }
      return { manifest, repository, path: source.path };
    });
    const registries = await openRegistries([list], flags.insecure);
    try {
      const mountFrom = [...new Set(sources.map(({ path }) => path))].filter((path) => path !== target.path);
      const repository = await registries.open(list.repository, "push", mountFrom);
      for (const { manifest, repository: from, path } of sources) {
        if (from === list.repository) continue;
        // An index may only name manifests of its own repository.
        const document = manifest.OCIManifest ?? manifest.SchemaV2Manifest;
        for (const blob of document === undefined ? [] : [...document.layers, document.config]) {
          if (registries.documents.isForeign(blob) && blob.urls !== undefined) continue;
          if (await repository.hasBlob(blob.digest)) continue;
          if (await repository.mountBlob(blob.digest, path)) continue;
          const source = await registries.open(from, "pull");
          await repository.upload({ digest: blob.digest, sizeBytes: blob.size, open: () => source.blob(blob) }, {});
        }
        const { mediaType } = manifest.Descriptor;
        const digest = await repository.putManifest(
          { bytes: Buffer.from(manifest.Raw, "base64"), mediaType },
          undefined,
        );
        writeText(1, `Pushed ref ${list.repository}@${digest} with digest: ${digest}\n`);
      }
      const isOci = manifests.every(({ OCIManifest: manifest }) => manifest !== undefined);
      const mediaType = isOci ? mediaTypes.ociIndex : mediaTypes.dockerManifestList;
      const bytes = Buffer.from(JSON.stringify(indexOf(manifests, mediaType), undefined, 3));
      const digest = await repository.putManifest({ bytes, mediaType }, list.tag ?? "latest");
      writeText(1, `${digest}\n`);
    } finally {
      registries.close();
    }
    if (flags.purge) removeList(listName);
  },
});

import { humanDuration, humanSize, shortId } from "#base";
import type { ImageSummary } from "#formats";
import { defineCommand } from "../command.ts";
import { readConfig } from "../configuration/config-file.ts";
import { cliErrors } from "../errors.ts";
import { filterProblem, parseFilters } from "../flags/filters.ts";
import { flag } from "../flags/flag.ts";
import { listFormatFlag } from "../flags/format-flag.ts";
import { printList, type Row } from "../output/list.ts";
import { writeText } from "../output/write.ts";
import { splitReference } from "../references.ts";
import { goTime } from "../rows/go-time.ts";

const headers = {
  ID: "IMAGE ID",
  Repository: "REPOSITORY",
  Tag: "TAG",
  Digest: "DIGEST",
  CreatedSince: "CREATED",
  CreatedAt: "CREATED AT",
  Size: "SIZE",
  Containers: "CONTAINERS",
  VirtualSize: "SIZE",
  SharedSize: "SHARED SIZE",
  UniqueSize: "UNIQUE SIZE",
};

type Name = { repository: string; tag: string; digest: string };

/** One line a tag; a digest without a tag gets its own; an image with neither is `<none>`. */
function namesOf(image: ImageSummary, withDigests: boolean): Name[] {
  const tags = (image.RepoTags ?? []).filter((tag) => tag !== "<none>:<none>").map(splitReference);
  const digests = (image.RepoDigests ?? []).filter((digest) => digest !== "<none>@<none>").map(splitReference);
  const digestOf = (repository: string) => digests.find((digest) => digest.repository === repository)?.tag ?? "<none>";
  const names = tags.map(({ repository, tag }) => ({ repository, tag, digest: digestOf(repository) }));
  const untagged = digests
    .filter(({ repository }) => !tags.some((tag) => tag.repository === repository))
    .map(({ repository, tag }) => ({ repository, tag: "<none>", digest: tag }));
  if (names.length + untagged.length === 0) return [{ repository: "<none>", tag: "<none>", digest: "<none>" }];
  return withDigests || names.length === 0 ? [...names, ...untagged] : names;
}

function rowOf(image: ImageSummary, { repository, tag, digest }: Name, truncate: boolean): Row {
  const optional = (value: number | undefined) => (value === undefined || value < 0 ? "N/A" : humanSize(value));
  return {
    Containers: image.Containers < 0 ? "N/A" : String(image.Containers),
    CreatedAt: goTime(image.Created * 1000),
    CreatedSince: `${humanDuration(Date.now() - image.Created * 1000)} ago`,
    Digest: digest,
    ID: truncate ? shortId(image.Id) : image.Id,
    Repository: repository,
    SharedSize: optional(image.SharedSize),
    Size: humanSize(image.Size),
    Tag: tag,
    UniqueSize: image.SharedSize < 0 ? "N/A" : humanSize(image.Size - image.SharedSize),
    VirtualSize: humanSize(image.Size, 4),
  };
}

export const command = defineCommand({
  summary: "List images",
  synopsis: "[OPTIONS] [REPOSITORY[:TAG]]",
  aliases: ["image ls", "image list", "images"],
  operands: { max: 1 },
  completes: () => "image",
  examples: [
    ["Images of one repository", "berth images debian"],
    ["Images that have no name any more", "berth images --filter dangling=true"],
  ],
  flags: {
    all: flag.boolean("Show all images (default hides intermediate images)", { short: "a" }),
    digests: flag.boolean("Show digests"),
    filter: flag.list("Filter output based on conditions provided", {
      short: "f",
      typeName: "filter",
      check: filterProblem,
    }),
    format: listFormatFlag,
    "no-trunc": flag.boolean("Don't truncate output"),
    quiet: flag.boolean("Only show image IDs", { short: "q" }),
    tree: flag.boolean("List multi-platform images as a tree (EXPERIMENTAL)"),
  },
  async run({ client }, flags, [reference]) {
    if (flags.tree) {
      if (flags.quiet) throw cliErrors["bad-option"]("--quiet is not yet supported with --tree");
      if (flags["no-trunc"]) throw cliErrors["bad-option"]("--no-trunc is not yet supported with --tree");
      if (flags.digests) throw cliErrors["bad-option"]("--show-digest is not yet supported with --tree");
      if (flags.format !== "") throw cliErrors["bad-option"]("--format is not yet supported with --tree");
    }
    const filters = parseFilters(reference === undefined ? flags.filter : [...flags.filter, `reference=${reference}`]);
    const images = await client.images.list({
      all: flags.all,
      digests: flags.digests,
      filters,
      manifests: flags.tree,
    });
    if (flags.tree) {
      const { renderImageTree } = await import("../output/image-tree.ts");
      writeText(1, renderImageTree(images));
      return;
    }
    const digestColumn = flags.digests ? "{{.Digest}}\t" : "";
    const rows = images.flatMap((image) =>
      namesOf(image, flags.digests).map((name) => rowOf(image, name, !flags["no-trunc"])),
    );
    printList({
      format: flags.format !== "" || flags.quiet ? flags.format : (readConfig().imagesFormat ?? ""),
      quiet: flags.quiet,
      defaultTable: `{{.Repository}}\t{{.Tag}}\t${digestColumn}{{.ID}}\t{{.CreatedSince}}\t{{.Size}}`,
      quietTemplate: "{{.ID}}",
      headers,
      rows,
      subject: "*formatter.imageContext",
      rawTemplate: `repository: {{.Repository}}\ntag: {{.Tag}}\n${flags.digests ? "digest: {{.Digest}}\n" : ""}image_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\nvirtual_size: {{.Size}}\n`,
      rawQuietTemplate: "image_id: {{.ID}}",
    });
  },
});

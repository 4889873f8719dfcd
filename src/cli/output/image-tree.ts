import { humanSize, shortId } from "#base";
import type { ImageSummary } from "#formats";
import { outputColumns, isTerminal } from "../terminal/terminal.ts";
import { printableLine } from "./printable.ts";
import { ellipsis } from "./truncate.ts";

type Details = {
  readonly id: string;
  readonly diskUsage: string;
  readonly contentSize: string;
  readonly isUsed: boolean;
};
type Child = Details & { readonly platform: string };
type Image = Details & { readonly names: readonly string[]; readonly children: readonly Child[] };

/** What a daemon with images of several platforms says of each. */
type Manifest = {
  readonly ID: string;
  readonly Kind: string;
  readonly Available: boolean;
  readonly Size: { readonly Total: number; readonly Content: number };
  readonly ImageData?: {
    readonly Platform: { readonly os: string; readonly architecture: string; readonly variant?: string };
    readonly Containers?: readonly string[] | null;
  };
};

const spacing = "   ";
const columns = [
  { title: "ID", width: 12, isRight: false },
  { title: "DISK USAGE", width: 10, isRight: true },
  { title: "CONTENT SIZE", width: 12, isRight: true },
  { title: "EXTRA", width: 5, isRight: false },
] as const;

function describe(image: ImageSummary & { readonly Manifests?: readonly Manifest[] | null }): Image {
  const children = (image.Manifests ?? []).flatMap((manifest): Child[] => {
    if (manifest.Kind !== "image" || manifest.ImageData === undefined) return [];
    const { os, architecture, variant } = manifest.ImageData.Platform;
    return [
      {
        platform: [os, architecture, variant].filter(Boolean).join("/"),
        id: shortId(manifest.ID),
        diskUsage: humanSize(manifest.Size.Total),
        contentSize: humanSize(manifest.Size.Content),
        isUsed: (manifest.ImageData.Containers ?? []).length > 0,
      },
    ];
  });
  const content = (image.Manifests ?? []).reduce(
    (sum, { Size, Kind }) => sum + (Kind === "image" ? Size.Content : 0),
    0,
  );
  return {
    // The longest names come first, the shortest beside the figures.
    names: (image.RepoTags ?? []).map(printableLine).sort((left, right) => right.length - left.length),
    id: shortId(image.Id),
    diskUsage: humanSize(image.Size),
    contentSize: humanSize(content),
    isUsed: image.Containers > 0 || children.some(({ isUsed }) => isUsed),
    children,
  };
}

/** `image ls --tree`: each image under its names, with its platforms below it; laid out as docker's. */
export function renderImageTree(images: readonly ImageSummary[]): string {
  const isColoured = isTerminal(1) && (process.env["NO_COLOR"] ?? "") === "";
  const bold = (text: string) => (isColoured ? `\u001b[1m${text}\u001b[0m` : text);
  const name = (text: string) => (isColoured ? `\u001b[34m\u001b[1m${text}\u001b[0m` : text);
  const width = Math.max(20, outputColumns());
  const described = [...images].sort((left, right) => right.Created - left.Created).map(describe);
  const right = columns.reduce((sum, column) => sum + column.width + spacing.length, 0);
  const nameWidth = Math.max(12, width - right);
  const cells = (details: Details) =>
    [details.id, details.diskUsage, details.contentSize, details.isUsed ? " U " : ""]
      .map((text, index) => {
        const column = columns[index];
        const size = column?.width ?? 0;
        return spacing + (column?.isRight === true ? text.padStart(size) : text.padEnd(size));
      })
      .join("");
  const legend = "Info ->  U In Use ";
  let text =
    "WARNING: This is an experimental feature. The output may change and shouldn't be depended on.\n" +
    `${legend.padStart(width)}\n\n` +
    `${bold("IMAGE")}${" ".repeat(nameWidth - 5)}${columns.map(({ title, width: size }) => `${spacing}${bold(title)}${" ".repeat(Math.max(0, size - title.length))}`).join("")}\n`;
  described.forEach((image, index) => {
    if (index > 0 && described.some(({ children }) => children.length > 0)) text += "\n";
    const names = image.names.length === 0 ? ["<untagged>"] : image.names;
    for (const each of names.slice(0, -1)) text += `${name(each)}\n`;
    const last = ellipsis(names.at(-1) ?? "", nameWidth);
    text += `${name(last)}${" ".repeat(nameWidth - Array.from(last).length)}${cells(image)}\n`;
    image.children.forEach((child, position) => {
      const branch = position === image.children.length - 1 ? "└─ " : "├─ ";
      text += `${ellipsis(branch + child.platform, nameWidth).padEnd(nameWidth)}${cells(child)}\n`;
    });
  });
  return text;
}

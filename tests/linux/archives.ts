import { encodeTarHeader, plainTarHeader, tarEnd, type TarHeader, tarPaddingOf } from "#wire";

/** A member of an archive to be made; `text` is a file's content. */
export type Member = Partial<TarHeader> & Pick<TarHeader, "path" | "type"> & { readonly text?: string };

/** An archive of these members, as hostile as they are. */
export function tarOf(members: readonly Member[]): Buffer {
  const pieces = members.flatMap(({ text = "", ...header }) => {
    const data = Buffer.from(text);
    return [
      encodeTarHeader(plainTarHeader({ sizeBytes: data.length, ...header })),
      data,
      new Uint8Array(tarPaddingOf(data.length)),
    ];
  });
  return Buffer.concat([...pieces, tarEnd]);
}

/** Splits `repository[:tag]` where Docker's API wants two words; a colon before a slash belongs to a port. */
export function splitReference(reference: string): { repository: string; tag: string } {
  const at = reference.indexOf("@");
  if (at > 0) return { repository: reference.slice(0, at), tag: reference.slice(at + 1) };
  const colon = reference.lastIndexOf(":");
  if (colon > reference.lastIndexOf("/"))
    return { repository: reference.slice(0, colon), tag: reference.slice(colon + 1) };
  return { repository: reference, tag: "" };
}

/** Splits a reference for pulling: what names neither tag nor digest means `latest`. */
export function pullReference(reference: string): { repository: string; tag: string } {
  const { repository, tag } = splitReference(reference);
  return { repository, tag: tag === "" ? "latest" : tag };
}

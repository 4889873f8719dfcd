import { type ImageReference, parseReference, ReferenceFormatError } from "#formats";
import { errors } from "../../errors.ts";

/** Reads a reference a client sent; a malformed one is the client's mistake. */
export function readReference(text: string): ImageReference {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof ReferenceFormatError) throw errors.imageReferenceBad(error.message);
    throw error;
  }
}

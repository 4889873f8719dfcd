import { pipeline, Readable } from "node:stream";
import { createDeflate, createGzip } from "node:zlib";

/** Which of the encodings Docker offers for archives a client takes: gzip before deflate; undefined = as it is. */
export function acceptedEncoding(header: string | string[] | undefined): "gzip" | "deflate" | undefined {
  const accepted = new Set<string>();
  for (const part of String(header ?? "").split(",")) {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    if (!parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))) accepted.add(name);
  }
  return accepted.has("gzip") ? "gzip" : accepted.has("deflate") ? "deflate" : undefined;
}

/** The bytes of `source`, encoded fast rather than small: the other end is mostly on this machine. `deflate` is zlib's format (RFC 9110, 8.4.1.2). */
export function encoded(source: AsyncIterable<Uint8Array>, encoding: "gzip" | "deflate"): AsyncIterable<Uint8Array> {
  const encoder = encoding === "gzip" ? createGzip({ level: 1 }) : createDeflate({ level: 1 });
  // A failure is told by the encoder itself, to whoever reads it.
  pipeline(Readable.from(source, { objectMode: false }), encoder, () => {});
  return encoder as AsyncIterable<Uint8Array>;
}

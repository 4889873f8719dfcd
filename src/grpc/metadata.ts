import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";

/** Headers of a call: lower-case names, any number of values. */
export type Metadata = ReadonlyMap<string, readonly string[]>;

/** A call's own headers, without HTTP's and gRPC's. */
export function readMetadata(headers: IncomingHttpHeaders): Metadata {
  const metadata = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(":") || name.startsWith("grpc-") || value === undefined) continue;
    // HTTP/2 libraries join repeated headers with ", " unless the name is one of a few; a value itself may hold no comma then.
    metadata.set(name, Array.isArray(value) ? value : value.split(", "));
  }
  return metadata;
}

/** The first value of a header; undefined when there is none. */
export function firstOf(metadata: Metadata, name: string): string | undefined {
  return metadata.get(name)?.[0];
}

/** Headers to send. Values that HTTP/2 cannot carry must have been encoded by the caller. */
export function writeMetadata(metadata: Metadata): OutgoingHttpHeaders {
  return Object.fromEntries(
    [...metadata].filter(([, values]) => values.length > 0).map(([name, values]) => [name, [...values]]),
  );
}

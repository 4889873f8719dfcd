/** A bucket in memory that speaks as much of S3's protocol as a registry needs (Amazon S3 API reference). */
export type FakeBucket = {
  readonly endpoint: string;
  readonly objects: Map<string, { bytes: Uint8Array; modified: Date }>;
  /** Requests to answer with 503 before the next is served. */
  fail(count: number): void;
  close(): Promise<void>;
};

function xml(text: string, headers: Record<string, string> = {}, status = 200): Response {
  return new Response(`<?xml version="1.0" encoding="UTF-8"?>${text}`, {
    status,
    headers: { "content-type": "application/xml", ...headers },
  });
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function listing(objects: FakeBucket["objects"], query: URLSearchParams): Response {
  const prefix = query.get("prefix") ?? "";
  const after = query.get("start-after") ?? "";
  const limit = Math.min(1000, Number(query.get("max-keys") ?? "1000"));
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
  const contents = keys.slice(0, limit).map((key) => {
    const object = objects.get(key);
    return `<Contents><Key>${escapeXml(key)}</Key><Size>${object?.bytes.length ?? 0}</Size><LastModified>${
      object?.modified.toISOString() ?? ""
    }</LastModified><ETag>"e"</ETag></Contents>`;
  });
  return xml(
    `<ListBucketResult><Name>bucket</Name><KeyCount>${contents.length}</KeyCount><MaxKeys>${limit}</MaxKeys><IsTruncated>${
      keys.length > limit
    }</IsTruncated>${contents.join("")}</ListBucketResult>`,
  );
}

/** Starts one on a port of this machine, with a bucket named "bucket". */
export function startFakeBucket(): FakeBucket {
  const objects: FakeBucket["objects"] = new Map();
  const parts = new Map<string, Map<number, Uint8Array>>();
  let failures = 0;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    maxRequestBodySize: 1 << 30,
    fetch: async (request) => {
      if (failures > 0) {
        failures--;
        return xml("<Error><Code>SlowDown</Code><Message>later</Message></Error>", {}, 503);
      }
      const url = new URL(request.url);
      const query = url.searchParams;
      const key = decodeURIComponent(url.pathname).replace(/^\/bucket\/?/, "");
      const signed = request.headers.get("authorization")?.startsWith("AWS4-HMAC-SHA256") === true;
      if (!signed && !query.has("X-Amz-Signature")) {
        return xml("<Error><Code>AccessDenied</Code><Message>who?</Message></Error>", {}, 403);
      }
      if (key === "") return listing(objects, query);
      const upload = query.get("uploadId");
      if (request.method === "POST" && query.has("uploads")) {
        const id = crypto.randomUUID();
        parts.set(id, new Map());
        return xml(
          `<InitiateMultipartUploadResult><Bucket>bucket</Bucket><Key>${escapeXml(key)}</Key><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
        );
      }
      if (request.method === "PUT" && upload !== null) {
        parts.get(upload)?.set(Number(query.get("partNumber")), await request.bytes());
        return new Response(null, { headers: { etag: '"part"' } });
      }
      if (request.method === "POST" && upload !== null) {
        const sorted = [...(parts.get(upload) ?? [])].sort(([left], [right]) => left - right);
        objects.set(key, { bytes: Buffer.concat(sorted.map(([, bytes]) => bytes)), modified: new Date() });
        return xml(
          `<CompleteMultipartUploadResult><Key>${escapeXml(key)}</Key><ETag>"e"</ETag></CompleteMultipartUploadResult>`,
        );
      }
      if (request.method === "PUT") {
        objects.set(key, { bytes: await request.bytes(), modified: new Date() });
        return new Response(null, { headers: { etag: '"e"' } });
      }
      if (request.method === "DELETE") {
        objects.delete(key);
        return new Response(null, { status: 204 });
      }
      const object = objects.get(key);
      if (object === undefined) {
        return request.method === "HEAD"
          ? new Response(null, { status: 404 })
          : xml("<Error><Code>NoSuchKey</Code><Message>none</Message></Error>", {}, 404);
      }
      const headers = { etag: '"e"', "last-modified": object.modified.toUTCString() };
      if (request.method === "HEAD") {
        return new Response(null, { headers: { ...headers, "content-length": String(object.bytes.length) } });
      }
      const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "");
      if (range === null) return new Response(object.bytes, { headers });
      const [start, end] = [Number(range[1]), Math.min(Number(range[2]), object.bytes.length - 1)];
      return new Response(object.bytes.subarray(start, end + 1), {
        status: 206,
        headers: { ...headers, "content-range": `bytes ${start}-${end}/${object.bytes.length}` },
      });
    },
  });
  return {
    endpoint: server.url.href.replace(/\/$/, ""),
    objects,
    fail: (count) => (failures = count),
    close: () => server.stop(true),
  };
}

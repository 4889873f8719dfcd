import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { digestOf } from "#base";
import { loadRegistryClient, type RegistrySettings } from "#registry";
import { answer, blobAnswer, type EvilRequest, startEvilRegistry } from "../engines/evil-registry.ts";
import { failureOf } from "./failure-of.ts";

/** The registries' client alone against a registry that breaks every rule; nothing is stored here. */
const evil = await startEvilRegistry();
const { createRegistryClient, parseManifest } = await loadRegistryClient();
const quick = {
  insecureRegistries: [],
  mirrors: [],
  certificateDirectories: [],
  userAgent: "test",
  stallMs: 150,
  backOffMs: 2,
  attempts: 3,
} satisfies RegistrySettings;
const client = createRegistryClient(quick);
const open = (name = "t/x", credentials = {}) =>
  client.repository(`${evil.host}/${name}`, { credentials, access: "pull" });

const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 251));
const descriptor = { mediaType: "application/octet-stream", digest: digestOf(bytes), size: bytes.length };
const blobPath = `/v2/t/x/blobs/${descriptor.digest}`;

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** Sends what `first` sends at the first request, and is honest from then on. */
function firstThenHonest(first: Parameters<typeof evil.on>[1]): void {
  let count = 0;
  evil.on(blobPath, (request, socket) => (count++ === 0 ? first(request, socket) : blobAnswer(bytes)(request, socket)));
}

const rangesAsked = () =>
  evil.requests.filter(({ path }) => path === blobPath).map((request: EvilRequest) => request.headers.get("range"));

beforeEach(() => evil.reset());
afterAll(async () => {
  client.close();
  await evil.close();
});

describe("a blob", () => {
  test("that breaks off goes on where it was", async () => {
    firstThenHonest((_request, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`);
      socket.end(bytes.subarray(0, 100_000));
    });
    expect((await collect(open().blob(descriptor))).equals(bytes)).toBe(true);
    expect(rangesAsked()).toEqual([undefined, `bytes=100000-${bytes.length - 1}`]);
  });

  test("that stalls goes on where it was", async () => {
    firstThenHonest((_request, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`);
      socket.write(bytes.subarray(0, 100_000));
    });
    expect((await collect(open().blob(descriptor))).equals(bytes)).toBe(true);
    expect(rangesAsked()).toEqual([undefined, `bytes=100000-${bytes.length - 1}`]);
  });

  test("whose server knows no ranges is read again from its start", async () => {
    let count = 0;
    evil.on(blobPath, (request, socket) => {
      if (count++ > 0) {
        answer(200, bytes)(request, socket);
        return;
      }
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`);
      socket.end(bytes.subarray(0, 100_000));
    });
    expect((await collect(open().blob(descriptor))).equals(bytes)).toBe(true);
  });

  test.each([
    `bytes 0-${bytes.length - 1}/${bytes.length}`,
    `bytes 100001-${bytes.length - 1}/${bytes.length}`,
    `bytes 100000-${bytes.length - 2}/${bytes.length}`,
    `bytes 100000-${bytes.length - 1}/99`,
    "bytes x",
    "",
  ])("is not believed to be the range asked for when it says %p", async (contentRange) => {
    let count = 0;
    evil.on(blobPath, (request, socket) => {
      const number = count++;
      if (number === 0) {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`);
        socket.end(bytes.subarray(0, 100_000));
      } else if (number === 1) {
        answer(206, bytes.subarray(3), { "Content-Range": contentRange })(request, socket);
      } else blobAnswer(bytes)(request, socket);
    });
    expect((await collect(open().blob(descriptor))).equals(bytes)).toBe(true);
    expect(rangesAsked()[2]).toBeUndefined();
  });

  test("with other bytes of the same length is refused at its end", async () => {
    const wrong = Buffer.from(bytes);
    wrong[200_000] = (wrong[200_000] ?? 0) ^ 1;
    evil.on(blobPath, blobAnswer(wrong));
    expect(await failureOf(collect(open().blob(descriptor)))).toBe(
      `blob ${descriptor.digest} does not match its digest: expected ${descriptor.digest}, got ${digestOf(wrong)}`,
    );
  });

  test.each([-1, 1, 1_000_000_000])("that announces %p bytes more is refused before a byte is read", async (more) => {
    evil.on(blobPath, (_request, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length + more}\r\n\r\n`);
    });
    expect(await failureOf(collect(open().blob(descriptor)))).toContain("does not match its size");
  });

  test("without end is cut at its size", async () => {
    let sent = 0;
    evil.on(blobPath, (_request, socket) => {
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      const more = () => {
        while (!socket.destroyed && sent < 1e9) {
          sent += 65_536;
          socket.write("10000\r\n");
          socket.write(Buffer.alloc(65_536));
          if (!socket.write("\r\n")) break;
        }
      };
      socket.on("drain", more);
      more();
    });
    expect(await failureOf(collect(open().blob(descriptor)))).toContain("does not match its size");
    expect(sent).toBeLessThan(50_000_000);
  });

  test("that is encoded on the way is refused", async () => {
    evil.on(blobPath, answer(200, bytes, { "Content-Encoding": "gzip" }));
    expect(await failureOf(collect(open().blob(descriptor)))).toContain("an encoded body");
  });

  test("that never comes whole is given up after a few tries", async () => {
    evil.on(blobPath, (_request, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`);
      socket.end(bytes.subarray(0, 1000));
    });
    const failure = await failureOf(collect(open().blob(descriptor)));
    expect(failure).toContain("unexpected EOF");
    expect(rangesAsked().length).toBeGreaterThanOrEqual(3);
  });

  test("of a digest that walks the file system is never asked for", async () => {
    const digest = "sha256:../../../../etc/passwd";
    expect(await failureOf(collect(open().blob({ ...descriptor, digest })))).toContain("unsupported digest");
    expect(evil.requests).toEqual([]);
  });

  test("follows a redirect without taking the password along", async () => {
    const other = await startEvilRegistry();
    try {
      other.on("/storage", blobAnswer(bytes));
      let count = 0;
      evil.on(blobPath, (request, socket) => {
        if (count++ === 0) answer(401, "{}", { "WWW-Authenticate": 'Basic realm="x"' })(request, socket);
        else answer(307, "", { Location: `http://${other.host}/storage` })(request, socket);
      });
      const repository = open("t/x", { username: "ada", password: "secret" });
      expect((await collect(repository.blob(descriptor))).equals(bytes)).toBe(true);
      expect(evil.requests.at(-1)?.headers.get("authorization")).toStartWith("Basic ");
      expect(other.requests.at(-1)?.headers.get("authorization")).toBeUndefined();
    } finally {
      await other.close();
    }
  });

  // CVE-2020-15157.
  test("of a foreign layer is fetched where its manifest says, without the password", async () => {
    const other = await startEvilRegistry();
    try {
      other.on("/foreign", (request, socket) => {
        // Whoever answers so is not told the password of the registry either.
        const isFirst = other.requests.length === 1;
        (isFirst ? answer(401, "{}", { "WWW-Authenticate": 'Basic realm="x"' }) : blobAnswer(bytes))(request, socket);
      });
      const said = answer(401, "{}", { "WWW-Authenticate": 'Basic realm="x"' });
      evil.on(blobPath, (request, socket) =>
        (request.headers.has("authorization") ? answer(404, "{}") : said)(request, socket),
      );
      const urls = ["file:///etc/passwd", `http://${evil.host}/v2/t/secret`, `http://${other.host}/foreign`].concat(
        `http://${other.host}/foreign`,
      );
      const repository = open("t/x", { username: "ada", password: "secret" });
      expect((await collect(repository.blob({ ...descriptor, urls }))).equals(bytes)).toBe(true);
      expect(other.requests.map(({ headers }) => headers.get("authorization"))).toEqual([undefined, undefined]);
      expect(evil.requests.some(({ path: asked }) => asked === "/v2/t/secret")).toBe(false);
    } finally {
      await other.close();
    }
  });

  test.each(["file:///etc/passwd", "ftp://127.0.0.1/x", "http://["])("does not follow a redirect to %p", async (to) => {
    evil.on(blobPath, answer(307, "", { Location: to }));
    expect(await failureOf(collect(open().blob(descriptor)))).toMatch(/redirects to|malformed Location/);
  });

  test("that redirects in circles is given up", async () => {
    evil.on(blobPath, answer(307, "", { Location: blobPath }));
    expect(await failureOf(collect(open().blob(descriptor)))).toContain("stopped after 10 redirects");
  });

  test("ends at once when it is cancelled", async () => {
    evil.on(blobPath, (_request, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`);
      socket.write(bytes.subarray(0, 1000));
    });
    const stop = new AbortController();
    const reading = failureOf(collect(open().blob(descriptor, { signal: stop.signal })));
    stop.abort(new Error("enough"));
    expect(await reading).toBe("enough");
  });
});

describe("a manifest", () => {
  const path = "/v2/t/x/manifests/latest";
  const json = (value: unknown, type = "application/vnd.oci.image.manifest.v1+json") =>
    answer(200, JSON.stringify(value), { "Content-Type": type });

  test.each([429, 500, 502, 503, 504])("is asked for again after %p", async (status) => {
    let count = 0;
    evil.on(path, (request, socket) =>
      (count++ === 0 ? answer(status, "", { "Retry-After": "0" }) : json({ schemaVersion: 2 }))(request, socket),
    );
    expect((await open().manifest("latest")).bytes.byteLength).toBeGreaterThan(0);
    expect(count).toBe(2);
  });

  test("is waited for as Retry-After asks", async () => {
    let count = 0;
    const times: number[] = [];
    evil.on(path, (request, socket) => {
      times.push(performance.now());
      (count++ === 0 ? answer(429, "", { "Retry-After": "1" }) : json({}))(request, socket);
    });
    await open().manifest("latest");
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(990);
  });

  test("whose registry asks for an hour of patience is given up at once", async () => {
    const fault = JSON.stringify({ errors: [{ code: "TOOMANYREQUESTS", message: "You have reached your limit" }] });
    evil.on(path, answer(429, fault, { "Retry-After": "3600" }));
    expect(await failureOf(open().manifest("latest"))).toBe(
      "toomanyrequests: toomanyrequests: You have reached your limit; it asks to wait 3600 seconds",
    );
    expect(evil.requests).toHaveLength(1);
  });

  test("without end is cut", async () => {
    evil.on(path, (_request, socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      const more = () => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536, 32)));
      };
      socket.on("drain", more);
      more();
    });
    expect(await failureOf(open().manifest("latest"))).toContain("has more than");
  });

  test("of another digest than asked for is refused", async () => {
    const digest = `sha256:${"a".repeat(64)}`;
    evil.on(`/v2/t/x/manifests/${digest}`, json({ schemaVersion: 2 }));
    expect(await failureOf(open().manifest(digest))).toContain("does not match its digest");
  });

  test("has the digest of its bytes, whatever its header says and its tag said before", async () => {
    const [before, now] = [{ schemaVersion: 2, first: true }, { schemaVersion: 2 }].map((value) =>
      Buffer.from(JSON.stringify(value)),
    );
    const lie = { "Docker-Content-Digest": digestOf(before ?? ""), "Content-Type": "application/json" };
    evil.on(path, answer(200, now ?? "", lie));
    expect(await open().digestOf("latest")).toBe(digestOf(before ?? ""));
    expect((await open().manifest("latest")).digest).toBe(digestOf(now ?? ""));
  });

  test.each([
    ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde", /malformed HTTP response/],
    ["SSH-2.0-OpenSSH_9.2\r\n\r\n", /malformed HTTP response/],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", /malformed HTTP response/],
    ["HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", /unexpected EOF/],
    [`HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(60_000)}`, /malformed HTTP response|unexpected EOF/],
  ])("is refused when what comes is no HTTP (%#)", async (text, expected) => {
    evil.on(path, (_request, socket) => socket.end(text));
    expect(await failureOf(open().manifest("latest"))).toMatch(expected);
  });

  test("that nobody has is told in Docker's words", async () => {
    const fault = JSON.stringify({ errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }] });
    evil.on(path, answer(404, fault));
    expect(await failureOf(open().manifest("latest"))).toBe(
      `manifest for ${evil.host}/t/x:latest not found: manifest unknown: manifest unknown`,
    );
  });

  test("of a repository one may not see is told in Docker's words, without the terminal's control characters", async () => {
    const fault = JSON.stringify({ errors: [{ code: "DENIED", message: "no\u001b[2J\u0007 way" }] });
    evil.on(path, answer(403, fault));
    expect(await failureOf(open().manifest("latest"))).toBe(
      `pull access denied for ${evil.host}/t/x, repository does not exist or may require 'docker login': denied: no [2J  way`,
    );
  });

  const layer = {
    mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
    digest: `sha256:${"0".repeat(64)}`,
    size: 3,
  };
  const whole = {
    schemaVersion: 2,
    config: { ...layer, mediaType: "application/vnd.oci.image.config.v1+json" },
    layers: [layer],
  };
  const oci = "application/vnd.oci.image.manifest.v1+json";
  test.each([
    ["not JSON", "{", oci, /it is not JSON/],
    ["not UTF-8", Buffer.from([0x22, 0xff, 0x22]), oci, /it is not JSON/],
    ["a list", "[]", oci, /not a JSON object/],
    ["null", "null", oci, /not a JSON object/],
    ["both an image and an index", JSON.stringify({ ...whole, manifests: [] }), oci, /a manifest has no manifests/],
    ["schema 1", JSON.stringify({ schemaVersion: 1, name: "x" }), "application/json", /schema 1/],
    [
      "of two types at once",
      JSON.stringify({ ...whole, mediaType: oci }),
      "application/vnd.oci.image.index.v1+json",
      /it says it is/,
    ],
    [
      "of an unknown type",
      JSON.stringify({ ...whole, mediaType: "application/x-evil" }),
      "x/y",
      /unsupported media type application\/x-evil/,
    ],
    [
      "with a digest that walks",
      JSON.stringify({ ...whole, layers: [{ ...layer, digest: "sha256:../../x" }] }),
      oci,
      /malformed digest/,
    ],
    ["with a negative size", JSON.stringify({ ...whole, layers: [{ ...layer, size: -1 }] }), oci, /layers\.0\.size/],
    ["with half a byte", JSON.stringify({ ...whole, layers: [{ ...layer, size: 0.5 }] }), oci, /layers\.0\.size/],
    [
      "with a size beyond counting",
      JSON.stringify({ ...whole, layers: [{ ...layer, size: 1e300 }] }),
      oci,
      /layers\.0\.size/,
    ],
    [
      "with a thousand layers",
      JSON.stringify({ ...whole, layers: Array.from({ length: 1000 }, () => layer) }),
      oci,
      /layers/,
    ],
    ["without a config", JSON.stringify({ schemaVersion: 2, layers: [] }), oci, /config/],
  ])("that is %s is refused", (_what, text, type, expected) => {
    expect(() => parseManifest(Buffer.from(text), type, "x")).toThrow(expected);
  });
});

test("a lone mirror without TLS is asked each time, and the registry itself never while it answers", async () => {
  const mirrored = createRegistryClient({ ...quick, mirrors: [`http://${evil.host}/`] });
  const { manifest, manifestDigest } = evil.addImage("library/mirrored", "1", [Buffer.from("layer")]);
  for (let turn = 1; turn <= 3; turn++) {
    // Each pull opens the repository anew.
    const repository = mirrored.repository("docker.io/library/mirrored", { credentials: {}, access: "pull" });
    expect(await repository.digestOf("1")).toBe(manifestDigest as `sha256:${string}`);
    expect(manifest.equals((await repository.manifest("1")).bytes)).toBe(true);
    expect(evil.requests.filter(({ path }) => path === "/v2/library/mirrored/manifests/1")).toHaveLength(2 * turn);
  }
  mirrored.close();
});

describe("authentication", () => {
  const path = "/v2/t/x/manifests/latest";
  const bearer = (request: EvilRequest) => request.headers.get("authorization") === "Bearer tok";

  const protect = (realm: string) => {
    evil.on(path, (request, socket) =>
      (bearer(request)
        ? answer(200, "{}")
        : answer(401, "{}", {
            "WWW-Authenticate": `Bearer realm="${realm}",service="the, \\"service\\"",scope="repository:t/x:pull"`,
          }))(request, socket),
    );
  };

  test("fetches a token as the registry says, once for several requests", async () => {
    protect(`http://${evil.host}/token`);
    evil.on("/token", answer(200, '{"access_token":"tok","expires_in":300}'));
    const repository = open("t/x", { username: "ada", password: "secret" });
    await repository.manifest("latest");
    await repository.manifest("latest");
    const asked = evil.requests.filter(({ path: target }) => target.startsWith("/token"));
    expect(asked).toHaveLength(1);
    const query = new URL(asked[0]?.path ?? "", "http://x").searchParams;
    expect(query.get("service")).toBe('the, "service"');
    expect(query.get("scope")).toBe("repository:t/x:pull");
    expect(query.get("account")).toBe("ada");
    expect(asked[0]?.headers.get("authorization")).toBe(`Basic ${Buffer.from("ada:secret").toString("base64")}`);
  });

  test("hands a refresh token over by POST", async () => {
    protect(`http://${evil.host}/token2`);
    evil.on("/token2", answer(200, '{"token":"tok"}'));
    await open("t/x", { identityToken: "refresh" }).manifest("latest");
    const asked = evil.requests.find(({ path: target }) => target.startsWith("/token2"));
    expect(asked?.method).toBe("POST");
    expect(asked?.body.toString()).toContain("refresh_token=refresh");
  });

  test("sends a registry's own token as it is", async () => {
    protect(`http://${evil.host}/token4`);
    await open("t/x", { registryToken: "tok" }).manifest("latest");
    expect(evil.requests.at(-1)?.headers.get("authorization")).toBe("Bearer tok");
    expect(evil.requests.some(({ path: target }) => target.startsWith("/token4"))).toBe(false);
  });

  test.each(["", "file:///etc/passwd", "not a url"])("refuses the realm %p", async (realm) => {
    protect(realm);
    expect(await failureOf(open().manifest("latest"))).toContain("asks for authentication in a way that");
  });

  test.each([
    ["{}", /no token/],
    ["<html>", /failed to fetch a token/],
    ["{".repeat(2_000_000), /more than/],
  ])("refuses a token that is none (%#)", async (body, expected) => {
    protect(`http://${evil.host}/token3`);
    evil.on("/token3", answer(200, body));
    expect(await failureOf(open("t/x", { username: `u${body.length}` }).manifest("latest"))).toMatch(expected);
  });

  test("does not go round in circles when a token does not help", async () => {
    protect(`http://${evil.host}/token4`);
    evil.on("/token4", answer(200, '{"token":"wrong"}'));
    expect(await failureOf(open("t/x", { username: "eve" }).manifest("latest"))).toContain("pull access denied");
    expect(evil.requests.length).toBeLessThan(8);
  });

  test("says that a password is missing", async () => {
    evil.on(path, answer(401, "{}", { "WWW-Authenticate": 'Basic realm="Registry"' }));
    expect(await failureOf(open().manifest("latest"))).toContain("no basic auth credentials");
  });
});

describe("an upload", () => {
  const push = () => client.repository(`${evil.host}/t/x`, { credentials: {}, access: "push" });
  const source = {
    digest: descriptor.digest,
    sizeBytes: bytes.length,
    async *open() {
      for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000);
    },
  };
  const begin = () =>
    evil.on("/v2/t/x/blobs/uploads/", answer(202, "", { Location: "/v2/t/x/blobs/uploads/1?state=a" }));

  test("that breaks goes on where the registry says it is", async () => {
    begin();
    const parts: Buffer[] = [];
    let patches = 0;
    evil.on("/v2/t/x/blobs/uploads/1", (request, socket) => {
      if (request.method === "GET") answer(204, "", { Range: "0-99999", Location: request.path })(request, socket);
      if (request.method === "PATCH" && patches++ === 0) {
        parts.push(request.body.subarray(0, 100_000));
        socket.destroy();
      } else if (request.method === "PATCH") {
        parts.push(request.body);
        answer(202, "", { Location: "/v2/t/x/blobs/uploads/1?state=b" })(request, socket);
      }
      if (request.method === "PUT") answer(201, "")(request, socket);
    });
    const repository = push();
    await repository.hasBlob(descriptor.digest);
    expect(await repository.upload(source, {})).toEqual({ digest: descriptor.digest, sizeBytes: bytes.length });
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    const put = evil.requests.at(-1);
    expect(new URL(put?.path ?? "", "http://x").searchParams.get("digest")).toBe(descriptor.digest);
    expect(new URL(put?.path ?? "", "http://x").searchParams.get("state")).toBe("b");
    expect(evil.requests.find(({ headers }) => headers.has("content-range"))?.headers.get("content-range")).toBe(
      `100000-${bytes.length - 1}`,
    );
  });

  test("that is refused says why", async () => {
    begin();
    const fault = JSON.stringify({
      errors: [{ code: "DENIED", message: "requested access to the resource is denied" }],
    });
    evil.on("/v2/t/x/blobs/uploads/1", answer(403, fault));
    const repository = push();
    await repository.hasBlob(descriptor.digest);
    expect(await failureOf(repository.upload(source, {}))).toBe("denied: requested access to the resource is denied");
  });

  test("whose registry has no place for it is given up", async () => {
    evil.on("/v2/t/x/blobs/uploads/", answer(202, ""));
    const repository = push();
    await repository.hasBlob(descriptor.digest);
    expect(await failureOf(repository.upload(source, {}))).toContain("names no place to upload to");
  });
});

describe("a proxy", () => {
  test("is asked for plain HTTP by the whole URL, and for TLS by CONNECT", async () => {
    const proxy = await startEvilRegistry();
    const variables = { http_proxy: `http://ada:secret@${proxy.host}`, https_proxy: `http://${proxy.host}` };
    const before = { ...process.env };
    const through = createRegistryClient({ ...quick, insecureRegistries: ["plain.test"] });
    try {
      Object.assign(process.env, variables);
      proxy.on("http://plain.test/v2/t/x/manifests/latest", answer(200, "{}"));
      proxy.on("plain.test:443", answer(502, ""));
      proxy.on("secure.test:443", answer(403, ""));
      const repository = through.repository("plain.test/t/x", { credentials: {}, access: "pull" });
      expect(Buffer.from((await repository.manifest("latest")).bytes).toString()).toBe("{}");
      const asked = proxy.requests.at(-1);
      expect(asked?.headers.get("host")).toBe("plain.test");
      expect(asked?.headers.get("proxy-authorization")).toBe(`Basic ${Buffer.from("ada:secret").toString("base64")}`);
      const secure = through.repository("secure.test/t/x", { credentials: {}, access: "pull" });
      expect(await failureOf(secure.manifest("latest"))).toBe(
        `the proxy ${proxy.host} does not connect: it answers 403`,
      );
      expect(proxy.requests.at(-1)?.method).toBe("CONNECT");
      // One that whoever asks calls insecure is spoken to as one of the settings.
      proxy.on("http://chosen.test/v2/t/x/manifests/latest", answer(200, '{"chosen":1}'));
      proxy.on("chosen.test:443", answer(502, ""));
      const options = { credentials: {}, access: "pull" } as const;
      const chosen = through.repository("chosen.test/t/x", { ...options, insecure: true });
      expect(Buffer.from((await chosen.manifest("latest")).bytes).toString()).toBe('{"chosen":1}');
      expect(await failureOf(through.repository("chosen.test/t/x", options).manifest("latest"))).toContain("502");
    } finally {
      for (const name of Object.keys(variables)) {
        if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = before[name];
      }
      through.close();
      await proxy.close();
    }
  });
});

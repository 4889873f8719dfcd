import { createLogger, errorMessage } from "#base";
import { loadRegistryServer, type RegistryServerConfig } from "#registry";
import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";

/** What was not given stays with the configuration file. */
function given(text: string): string | undefined {
  return text === "" ? undefined : text;
}

/** Resolves when the process is asked to end; SIGHUP meanwhile reads certificates again. */
function untilAsked(reload: () => void): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGTERM", () => resolve());
    process.once("SIGINT", () => resolve());
    process.on("SIGHUP", reload);
  });
}

export const command = defineCommand({
  summary: "Serve a registry: push to it and pull from it with any client",
  synopsis: "[OPTIONS]",
  neverStartsDaemon: true,
  examples: [
    ["On this machine alone, without passwords", "berth registry serve --root /srv/registry"],
    [
      "For others, with TLS, passwords and short-lived tokens",
      "berth registry serve --listen :443 --tls-cert /etc/ssl/r.pem --tls-key /etc/ssl/r.key --htpasswd /etc/registry.htpasswd --issue-tokens",
    ],
    [
      "A mirror of Docker Hub and of another registry below quay/",
      "berth registry serve --mirror docker.io --mirror quay/=quay.io",
    ],
    ["Blobs in a bucket", "berth registry serve --s3-bucket images --s3-endpoint https://s3.example.com"],
    ["Everything else from a file", "berth registry serve --config-file /etc/berth/registry.json"],
  ],
  flags: {
    "accept-sparse": flag.boolean(
      "Accept manifests that name what is not here, as an index with some of its platforms",
    ),
    "config-file": flag.string("Configuration (JSON); flags win over it", { typeName: "path" }),
    debug: flag.boolean("Log every request", { short: "D" }),
    "gc-grace": flag.string("Blobs pushed or asked for so recently are not collected (default 24h)", {
      typeName: "duration",
    }),
    "gc-interval": flag.string("Time between garbage collections, 0 for none (default 1h)", { typeName: "duration" }),
    htpasswd: flag.string("Users: a file of bcrypt lines, as `htpasswd -B` and `berth registry htpasswd` write", {
      typeName: "path",
    }),
    "issue-tokens": flag.boolean("Give users of the password file short-lived tokens"),
    listen: flag.list("Address: HOST:PORT, :PORT for all, or unix:///PATH (default 127.0.0.1:5000)", {
      typeName: "address",
    }),
    "max-manifest-size": flag.string("Largest manifest (default 4m)", { typeName: "bytes" }),
    "max-uploads": flag.integer("Uploads under way at once (default 1000)"),
    mirror: flag.list("Fetch what is missing from another registry: [PREFIX=]HOST[:PORT]", { typeName: "registry" }),
    "no-delete": flag.boolean("Refuse to delete tags, manifests and blobs"),
    "read-only": flag.boolean("Refuse everything that changes something"),
    realm: flag.string("Name shown to who logs in", { typeName: "name" }),
    root: flag.string("Directory of everything it keeps (default /var/lib/berth-registry)", { typeName: "path" }),
    "s3-bucket": flag.string(
      "Keep blobs and manifests in a bucket; keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
      {
        typeName: "name",
      },
    ),
    "s3-endpoint": flag.string("Address of the S3-compatible service", { typeName: "url" }),
    "s3-prefix": flag.string("Put before every key", { typeName: "text" }),
    "s3-redirect": flag.boolean("Let clients fetch blobs from the bucket by signed addresses"),
    "s3-region": flag.string("Region of the bucket", { typeName: "name" }),
    "tls-cert": flag.string("Certificate (PEM); SIGHUP reads it again", { typeName: "path" }),
    "tls-client-ca": flag.string("Clients need a certificate of this authority (PEM)", { typeName: "path" }),
    "tls-key": flag.string("Key of the certificate (PEM)", { typeName: "path" }),
    "upload-expiry": flag.string("Unfinished uploads nobody goes on with end after (default 24h)", {
      typeName: "duration",
    }),
  },
  async run(_context, flags, _operands, set) {
    const { resolve } = await import("node:path");
    const { completeServerConfig, parseMirrorFlag, parseServerConfig, readServerConfig, startRegistryServer } =
      await loadRegistryServer();
    const file: RegistryServerConfig = flags["config-file"] === "" ? {} : readServerConfig(flags["config-file"]);
    const path = (text: string) => (text === "" ? undefined : resolve(text));
    const s3 = {
      bucket: given(flags["s3-bucket"]),
      endpoint: given(flags["s3-endpoint"]),
      prefix: given(flags["s3-prefix"]),
      region: given(flags["s3-region"]),
      redirect: set.has("s3-redirect") ? flags["s3-redirect"] : undefined,
    };
    const fromFlags = {
      listen: flags.listen.length === 0 ? undefined : flags.listen,
      root: path(flags.root),
      htpasswd: path(flags.htpasswd),
      realm: given(flags.realm),
      "issue-tokens": set.has("issue-tokens") ? flags["issue-tokens"] : undefined,
      "gc-grace": given(flags["gc-grace"]),
      "gc-interval": given(flags["gc-interval"]),
      "upload-expiry": given(flags["upload-expiry"]),
      "max-uploads": flags["max-uploads"],
      "max-manifest-size": given(flags["max-manifest-size"]),
      "accept-sparse": set.has("accept-sparse") ? flags["accept-sparse"] : undefined,
      "read-only": set.has("read-only") ? flags["read-only"] : undefined,
      "no-delete": set.has("no-delete") ? flags["no-delete"] : undefined,
      "tls-cert": path(flags["tls-cert"]),
      "tls-key": path(flags["tls-key"]),
      "tls-client-ca": path(flags["tls-client-ca"]),
      mirrors: flags.mirror.length === 0 ? undefined : flags.mirror.map(parseMirrorFlag),
      s3: Object.values(s3).every((value) => value === undefined) ? undefined : { ...file.s3, ...present(s3) },
    };
    const settings = completeServerConfig(parseServerConfig({ ...file, ...present(fromFlags) }, "the command line"));
    const logger = createLogger(flags.debug ? "debug" : "info");
    // What nobody caught is one request that fails, not the end of all others: what matters is on disk.
    process.on("uncaughtException", (error) => logger.error("unexpected error", { error: errorMessage(error) }));
    process.on("unhandledRejection", (error) => logger.error("unexpected failure", { error: errorMessage(error) }));
    const server = await startRegistryServer(settings, logger);
    logger.info("registry is ready", { addresses: server.addresses.join(","), root: settings.root });
    await untilAsked(() => {
      try {
        server.reload();
      } catch (error) {
        logger.error("certificates could not be read; the old ones go on", { error: errorMessage(error) });
      }
    });
    await server.stop();
  },
});

function present(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

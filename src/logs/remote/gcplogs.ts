import { createHash } from "node:crypto";
import { errorMessage, formatRfc3339Nano } from "#base";
import type { LogRecord } from "../contract.ts";
import { extraAttributes } from "../options/attributes.ts";
import type { GcplogsOptions } from "../options/gcplogs-options.ts";
import type { RemoteLog } from "../options/log-configuration.ts";
import { createMessages } from "./message.ts";
import type { LogSender } from "./sender.ts";

const scope = "https://www.googleapis.com/auth/logging.write";
const logId = "gcplogs-docker-driver";
const requestTimeoutMs = 30_000;

function withoutEmpty(fields: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
  const kept = Object.entries(fields).filter(([, value]) => value !== "" && value !== undefined);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/**
 * Writes to Google Cloud Logging by its HTTP interface (entries.write), with the credentials of the environment: a key file,
 * `gcloud`'s, or the instance's. Entries have ids of their own, so that one sent twice is there once.
 */
export async function connectGcplogs(
  remote: RemoteLog,
  options: GcplogsOptions,
  endpoint = "https://logging.googleapis.com",
): Promise<LogSender> {
  const { GoogleAuth } = await import("google-auth-library");
  const { container } = remote;
  const auth = new GoogleAuth({ scopes: [scope], ...(options.project === "" ? {} : { projectId: options.project }) });
  let project = options.project;
  if (project === "") {
    project = await auth.getProjectId().catch(() => "");
    if (project === "") {
      throw new Error(
        "gcplogs: no project was specified and couldn't read project from the metadata server. Please specify a project",
      );
    }
  }
  const attributes = extraAttributes(container, remote.options);
  const instance = withoutEmpty(options.instance);
  const about = {
    ...(instance === undefined ? {} : { instance }),
    container: withoutEmpty({
      name: `/${container.name}`,
      id: container.id,
      imageName: container.imageName,
      imageId: container.imageId,
      created: formatRfc3339Nano(container.created),
      command: options.logsCommand ? container.command.join(" ") : "",
      metadata: Object.keys(attributes).length === 0 ? undefined : attributes,
    }),
  };
  const toMessage = createMessages();
  const entryOf = (record: LogRecord) => ({
    timestamp: formatRfc3339Nano(record.time),
    insertId: createHash("sha256")
      .update(`${container.id} ${record.time} ${record.stream} `)
      .update(record.line)
      .digest("hex")
      .slice(0, 32),
    jsonPayload: { ...about, message: toMessage(record).text },
  });

  const write = async (entries: readonly unknown[], dryRun: boolean): Promise<void> => {
    const client = await auth.getClient();
    await client.request({
      url: `${endpoint}/v2/entries:write`,
      method: "POST",
      data: {
        logName: `projects/${project}/logs/${logId}`,
        resource: { type: "global", labels: { project_id: project } },
        entries,
        partialSuccess: !dryRun,
        dryRun,
      },
      timeout: requestTimeoutMs,
      // Trying again is the forwarder's, which keeps the records.
      retry: false,
    });
  };
  try {
    await write([{ jsonPayload: { message: "" } }], true);
  } catch (error) {
    throw new Error(`unable to connect or authenticate with Google Cloud Logging: ${errorMessage(error)}`, {
      cause: error,
    });
  }
  return {
    send: (records) => write(records.map(entryOf), false),
    close: () => {},
  };
}

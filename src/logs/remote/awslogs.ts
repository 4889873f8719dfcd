import type { InputLogEvent } from "@aws-sdk/client-cloudwatch-logs";
import { errorMessage } from "#base";
import type { LogRecord } from "../contract.ts";
import { logTag } from "../options/attributes.ts";
import type { AwslogsOptions } from "../options/awslogs-options.ts";
import type { RemoteLog } from "../options/log-configuration.ts";
import { logBatches, logEvents } from "./awslogs-events.ts";
import { instanceRegion } from "./awslogs-region.ts";
import type { LogSender } from "./sender.ts";

const requestTimeoutMs = 30_000;

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}

/** Writes to a log stream of CloudWatch Logs (moby `daemon/logger/awslogs`), with the credentials of the environment. */
export async function connectAwslogs(remote: RemoteLog, options: AwslogsOptions): Promise<LogSender> {
  const sdk = await import("@aws-sdk/client-cloudwatch-logs");
  const environment = process.env["AWS_REGION"] ?? process.env["AWS_DEFAULT_REGION"] ?? "";
  const region = options.region || environment || (await instanceRegion());
  const client = new sdk.CloudWatchLogsClient({
    ...(region === undefined ? {} : { region }),
    ...(options.endpoint === "" ? {} : { endpoint: options.endpoint }),
    ...(options.credentialsPath === "" ? {} : { credentials: await containerCredentials(options.credentialsPath) }),
    // Trying again for longer is the forwarder's, which keeps the records.
    maxAttempts: 2,
  });
  if (options.isEmbeddedMetrics) {
    client.middlewareStack.add(
      (next) => (args) => {
        const { request } = args as { request: { headers: Record<string, string> } };
        request.headers["x-amzn-logs-format"] = "json/emf";
        return next(args);
      },
      { step: "build", name: "embeddedMetricFormat" },
    );
  }
  const names = {
    logGroupName: options.group,
    logStreamName: options.stream === "" ? logTag(remote.container, remote.options, "{{.FullID}}") : options.stream,
  };
  const abortSignal = (): { abortSignal: AbortSignal } => ({ abortSignal: AbortSignal.timeout(requestTimeoutMs) });

  const createStream = async (): Promise<void> => {
    try {
      await client.send(new sdk.CreateLogStreamCommand(names), abortSignal());
    } catch (error) {
      if (!isNamed(error, "ResourceAlreadyExistsException")) throw error;
    }
  };
  const create = async (): Promise<void> => {
    try {
      await createStream();
    } catch (error) {
      if (!options.createsGroup || !isNamed(error, "ResourceNotFoundException")) throw error;
      try {
        await client.send(new sdk.CreateLogGroupCommand({ logGroupName: options.group }), abortSignal());
      } catch (groupError) {
        if (!isNamed(groupError, "ResourceAlreadyExistsException")) throw groupError;
      }
      await createStream();
    }
  };
  try {
    if (options.createsStream) await create();
  } catch (error) {
    client.destroy();
    throw new Error(`failed to create Cloudwatch log stream: ${errorMessage(error)}`, { cause: error });
  }

  const put = async (logEvents_: InputLogEvent[]): Promise<void> => {
    await client.send(new sdk.PutLogEventsCommand({ ...names, logEvents: logEvents_ }), abortSignal());
  };
  return {
    send: async (records: readonly LogRecord[], { isLast }) => {
      const { events, taken } = logEvents(records, options.eventStart, isLast);
      for (const batch of logBatches(events)) await put(batch);
      return taken;
    },
    keepsMs: options.flushMs,
    close: () => client.destroy(),
  };
}

async function containerCredentials(path: string) {
  const { fromHttp } = await import("@aws-sdk/credential-provider-http");
  return fromHttp({ awsContainerCredentialsRelativeUri: path });
}

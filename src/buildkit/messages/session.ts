import { bytes, map, message, one, text } from "#grpc";

/*
 * What a daemon asks of a client over its session: moby.filesync.v1.Auth, moby.buildkit.secrets.v1.Secrets,
 * moby.sshforward.v1.SSH (session/*.proto).
 */

export const secretRequest = message({ id: one(1, text), annotations: map(2, text) });
export const secretResponse = message({ data: one(1, bytes) });

export const checkAgentRequest = message({ id: one(1, text) });

export const credentialsRequest = message({ host: one(1, text) });
export const credentialsResponse = message({ username: one(1, text), secret: one(2, text) });

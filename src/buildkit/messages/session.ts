import { bytes, int64, many, map, message, one, text } from "#grpc";

/*
 * What a daemon asks of a client over its session: moby.filesync.v1.Auth, moby.buildkit.secrets.v1.Secrets,
 * moby.sshforward.v1.SSH (session/*.proto).
 */

export const secretRequest = message({ id: one(1, text), annotations: map(2, text) });
export const secretResponse = message({ data: one(1, bytes) });

export const checkAgentRequest = message({ id: one(1, text) });

export const credentialsRequest = message({ host: one(1, text) });
export const credentialsResponse = message({ username: one(1, text), secret: one(2, text) });

export const tokenRequest = message({
  clientId: one(1, text),
  host: one(2, text),
  realm: one(3, text),
  service: one(4, text),
  scopes: many(5, text),
});
export const tokenResponse = message({ token: one(1, text), expiresIn: one(2, int64), issuedAt: one(3, int64) });

import { Duplex } from "node:stream";
import type { AgentProvider, SecretProvider } from "#builder";
import { GrpcError } from "#grpc";
import { bytesMessage, nothing } from "../messages/control.ts";
import {
  checkAgentRequest,
  credentialsRequest,
  credentialsResponse,
  secretRequest,
  secretResponse,
  tokenRequest,
  tokenResponse,
} from "../messages/session.ts";
import { errors } from "../errors.ts";
import type { Session } from "./sessions.ts";

const getSecret = "/moby.buildkit.secrets.v1.Secrets/GetSecret";
const checkAgent = "/moby.sshforward.v1.SSH/CheckAgent";
const forwardAgent = "/moby.sshforward.v1.SSH/ForwardAgent";
const getCredentials = "/moby.filesync.v1.Auth/Credentials";
const fetchToken = "/moby.filesync.v1.Auth/FetchToken";
const pullUpload = "/moby.upload.v1.Upload/Pull";

/** A client's secrets. */
export function secretsOf(session: Session): SecretProvider {
  return {
    read: async (id, signal) => {
      if (!session.offers(getSecret)) return undefined;
      try {
        return (await session.client.unary(getSecret, secretRequest, secretResponse, { id }, { signal })).data;
      } catch (error) {
        if (error instanceof GrpcError && (error.status === "NOT_FOUND" || error.status === "UNIMPLEMENTED")) {
          return undefined;
        }
        throw error;
      }
    },
  };
}

/** A client's SSH agents. */
export function agentsOf(session: Session): AgentProvider {
  return {
    has: async (id, signal) => {
      if (!session.offers(checkAgent)) return false;
      try {
        await session.client.unary(checkAgent, checkAgentRequest, nothing, { id }, { signal });
        return true;
      } catch (error) {
        if (error instanceof GrpcError && error.status !== "UNAVAILABLE") return false;
        throw error;
      }
    },
    connect: (id, signal) => {
      const stream = session.client.stream(forwardAgent, bytesMessage, bytesMessage, {
        metadata: new Map([["buildkit.ssh.id", [id]]]),
        signal,
      });
      let wanted = () => {};
      const duplex = new Duplex({
        read: () => wanted(),
        write: (chunk: Buffer, _encoding, done) => {
          stream.send({ data: chunk }).then(() => done(), done);
        },
        final: (done) => {
          stream.finish();
          done();
        },
        destroy: (error, done) => {
          stream.cancel();
          done(error);
        },
      });
      void (async () => {
        try {
          for await (const { data } of stream.messages) {
            const asked = new Promise<void>((resolve) => (wanted = resolve));
            if (!duplex.push(data)) await asked;
          }
          duplex.push(null);
        } catch {
          // The program in the step sees its agent's connection end, as it would with the agent gone.
          duplex.destroy();
        }
      })();
      return Promise.resolve(duplex);
    },
  };
}

/** What a client knows of a registry: a name and password, or nothing of either. */
export type SessionCredentials = { readonly username: string; readonly secret: string };

/** The client's credentials for a registry; undefined when it has none. */
export async function credentialsOf(
  session: Session,
  host: string,
  signal: AbortSignal,
): Promise<SessionCredentials | undefined> {
  if (!session.offers(getCredentials)) return undefined;
  try {
    const found = await session.client.unary(
      getCredentials,
      credentialsRequest,
      credentialsResponse,
      { host },
      { signal },
    );
    return found.username === "" && found.secret === "" ? undefined : found;
  } catch (error) {
    if (error instanceof GrpcError && error.status !== "UNAVAILABLE") return undefined;
    throw error;
  }
}

/** A token the client fetched for us, so that its password need not leave it; undefined when it does not do that. */
export async function tokenOf(
  session: Session,
  request: {
    readonly host: string;
    readonly realm: string;
    readonly service: string;
    readonly scopes: readonly string[];
  },
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!session.offers(fetchToken)) return undefined;
  try {
    const { token } = await session.client.unary(
      fetchToken,
      tokenRequest,
      tokenResponse,
      { clientId: "berth", ...request },
      { signal },
    );
    return token === "" ? undefined : token;
  } catch (error) {
    if (error instanceof GrpcError && error.status !== "UNAVAILABLE") return undefined;
    throw error;
  }
}

/** A stream the client holds ready under a name: a context or Dockerfile that came on its standard input. */
export async function* uploadOf(session: Session, path: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  if (!session.offers(pullUpload)) throw errors["session-without"]("streams");
  const stream = session.client.stream(pullUpload, bytesMessage, bytesMessage, {
    metadata: new Map([["urlpath", [path]]]),
    signal,
  });
  for await (const { data } of stream.messages) if (data.length > 0) yield data;
  stream.finish();
}

import { Duplex } from "node:stream";
import type { AgentProvider, SecretProvider } from "#builder";
import { GrpcError } from "#grpc";
import type { RegistryCredentials } from "#registry";
import { bytesMessage, nothing } from "../messages/control.ts";
import {
  checkAgentRequest,
  credentialsRequest,
  credentialsResponse,
  secretRequest,
  secretResponse,
} from "../messages/session.ts";
import { errors } from "../errors.ts";
import type { Session } from "./sessions.ts";

const getSecret = "/moby.buildkit.secrets.v1.Secrets/GetSecret";
const checkAgent = "/moby.sshforward.v1.SSH/CheckAgent";
const forwardAgent = "/moby.sshforward.v1.SSH/ForwardAgent";
const getCredentials = "/moby.filesync.v1.Auth/Credentials";
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

/** Docker Hub is asked for by the host that answers for it. */
const hubHost = "registry-1.docker.io";

/** The client's credentials for a registry; undefined when it has none. */
export async function credentialsOf(session: Session, registry: string): Promise<RegistryCredentials | undefined> {
  if (!session.offers(getCredentials)) return undefined;
  const host = registry === "docker.io" ? hubHost : registry;
  try {
    const { username, secret } = await session.client.unary(
      getCredentials,
      credentialsRequest,
      credentialsResponse,
      { host },
      { signal: session.signal },
    );
    if (secret === "") return undefined;
    // A secret without a name is a token to ask for tokens with (docker/cli: config/credentials).
    return username === "" ? { identityToken: secret } : { username, password: secret };
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

import type { Connection } from "./http.ts";

export type CreateOptions = {
  readonly command: readonly string[];
  readonly network: "none" | "bridge";
  /** Container ports to publish on any free host port. */
  readonly ports?: readonly number[];
};

/** Creates a container and returns its id. */
export async function createContainer(connection: Connection, options: CreateOptions): Promise<string> {
  const ports = (options.ports ?? []).map((port) => `${port}/tcp`);
  const { Id } = await connection.json<{ Id: string }>("POST", "/v1.41/containers/create", {
    Image: "busybox:latest",
    Cmd: options.command,
    ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])),
    HostConfig: {
      NetworkMode: options.network,
      PortBindings: Object.fromEntries(ports.map((port) => [port, [{ HostIp: "127.0.0.1", HostPort: "" }]])),
    },
  });
  return Id;
}

export async function startContainer(connection: Connection, id: string): Promise<void> {
  const { status, body } = await connection.request("POST", `/v1.41/containers/${id}/start`);
  if (status >= 300) throw new Error(`start: ${status} ${body.toString()}`);
}

/** Waits for the end and returns the exit code. */
export async function waitContainer(connection: Connection, id: string): Promise<number> {
  return (await connection.json<{ StatusCode: number }>("POST", `/v1.41/containers/${id}/wait`)).StatusCode;
}

export async function removeContainer(connection: Connection, id: string): Promise<void> {
  const { status, body } = await connection.request("DELETE", `/v1.41/containers/${id}?force=1&v=1`);
  if (status >= 300 && status !== 404) throw new Error(`remove: ${status} ${body.toString()}`);
}

/** create, start, wait, remove: what `run --rm` comes to. Throws unless it exits with 0. */
export async function runContainer(connection: Connection, options: CreateOptions): Promise<void> {
  const id = await createContainer(connection, options);
  await startContainer(connection, id);
  const code = await waitContainer(connection, id);
  await removeContainer(connection, id);
  if (code !== 0) throw new Error(`the container ended with ${code}`);
}

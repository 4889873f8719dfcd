import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EngineError, newId, silentLogger } from "#base";
import { type Database, openDatabase } from "#db";
import {
  createNetworkService,
  type JoinRequest,
  type LinuxNetworkService,
  type NetworkRecord,
  type NetworkRequest,
  type NetworkServiceOptions,
  type PortPublication,
  type SandboxRequest,
} from "#network";
import { holdNamespace, type Place } from "./private-namespace.ts";

const program = new URL("../../../src/main.ts", import.meta.url).pathname;

/** A container as far as the network goes: its namespace, held by a sleeping process. */
export type RunningContainer = Place & {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly address6: string;
  readonly ports: readonly number[];
};

/** A plain bridge network, to which tests add what they are about. */
export const plainNetwork: Omit<NetworkRequest, "name"> = {
  driver: "bridge",
  pools: [],
  ipamDriver: "",
  ipamOptions: {},
  internal: false,
  attachable: false,
  ingress: false,
  scope: "",
  configOnly: false,
  configFrom: "",
  options: {},
  labels: {},
};

/** Opens network services with databases of their own, and clears up what came of them. */
export function networkServices() {
  const directory = mkdtempSync(join(tmpdir(), "berth-network-"));
  const opened: { service: LinuxNetworkService; database: Database }[] = [];
  const places: Place[] = [];
  let databases = 0;

  return {
    open: (file?: string, options: NetworkServiceOptions = {}, id = "test"): LinuxNetworkService => {
      const database = openDatabase(join(directory, file ?? `${databases++}.db`));
      const service = createNetworkService({
        database,
        instance: { id, isDefault: id === "test" },
        logger: silentLogger,
        options: { verifyIntervalMs: 100, forwarderCommand: [process.execPath, program, "forwarder"], ...options },
      });
      opened.push({ service, database });
      return service;
    },
    create: (service: LinuxNetworkService, name: string, more: Partial<NetworkRequest> = {}): Promise<NetworkRecord> =>
      service.create({ ...plainNetwork, name, ...more }),
    run: async (
      service: LinuxNetworkService,
      networks: readonly (string | JoinRequest)[],
      publications: readonly Partial<PortPublication>[] = [],
      more: Partial<SandboxRequest> = {},
    ): Promise<RunningContainer> => {
      const id = newId();
      const name = more.containerName ?? `web-${id.slice(0, 6)}`;
      const sandbox = await service.createSandbox({
        containerId: id,
        containerName: name,
        networks: networks.map((network) => ({
          names: [name, id.slice(0, 12)],
          ...(typeof network === "string" ? { network } : network),
        })),
        publications: publications.map((port) => ({
          containerPort: 80,
          protocol: "tcp",
          hostIp: "",
          hostPort: 0,
          ...port,
        })),
        ...more,
      });
      const place = await holdNamespace(sandbox.path);
      sandbox.release();
      places.push(place);
      return {
        ...place,
        id,
        name,
        address: sandbox.endpoints[0]?.ipv4 ?? "",
        address6: sandbox.endpoints[0]?.ipv6 ?? "",
        ports: sandbox.ports.map((port) => port.hostPort),
      };
    },
    /** What connect and disconnect need to know of a container. */
    requestOf: (container: RunningContainer, publications: readonly PortPublication[] = []) => ({
      containerId: container.id,
      containerName: container.name,
      namespacePath: container.path,
      publications,
      nameServer: { servers: [] },
    }),
    /** What a daemon's start says of containers that run. */
    live: (...containers: readonly RunningContainer[]) =>
      new Map(containers.map((each) => [each.id, { namespacePath: each.path, nameServer: { servers: [] } }])),
    /** Ends containers and takes away what the services made. */
    clear: async (): Promise<void> => {
      for (const place of places.splice(0)) place.stop();
      for (const { service, database } of opened.splice(0)) {
        await service.destroy().catch((error: unknown) => {
          if (!String(error).includes("closed")) throw error;
        });
        database.close();
      }
    },
    end: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** The error that work fails with. */
export async function failureOf(work: Promise<unknown>): Promise<EngineError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error("it succeeded");
}

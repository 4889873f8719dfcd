import type { Database } from "../database.ts";

/** A row of `network_endpoint`: a container's place on one network. */
export type NetworkEndpointRow = {
  endpoint_id: string;
  container_id: string;
  container_name: string;
  network_id: string;
  position: number;
  interface_name: string;
  host_interface: string;
  mac_address: string;
  ipv4: string | null;
  ipv6: string | null;
  settings: string;
};

/** A row of `network_port`: a published port in force. */
export type NetworkPortRow = {
  protocol: string;
  host_ip: string;
  host_port: number;
  container_id: string;
  container_ip: string;
  container_port: number;
};

/** Access to `network_endpoint` and `network_port`: what live containers hold. */
export function networkAttachmentTable(database: Database) {
  const insertPorts = (ports: readonly NetworkPortRow[]) => {
    for (const row of ports) {
      database.run(
        "INSERT INTO network_port VALUES (?, ?, ?, ?, ?, ?)",
        row.protocol,
        row.host_ip,
        row.host_port,
        row.container_id,
        row.container_ip,
        row.container_port,
      );
    }
  };
  return {
    endpoints: () => database.all<NetworkEndpointRow>("SELECT * FROM network_endpoint ORDER BY container_id, position"),
    ports: () => database.all<NetworkPortRow>("SELECT * FROM network_port ORDER BY container_id, rowid"),
    insert: (endpoints: readonly NetworkEndpointRow[], ports: readonly NetworkPortRow[]) =>
      database.transaction(() => {
        for (const row of endpoints) {
          database.run(
            `INSERT INTO network_endpoint (endpoint_id, container_id, container_name, network_id, position,
             interface_name, host_interface, mac_address, ipv4, ipv6, settings)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
            row.endpoint_id,
            row.container_id,
            row.container_name,
            row.network_id,
            row.position,
            row.interface_name,
            row.host_interface,
            row.mac_address,
            row.ipv4,
            row.ipv6,
            row.settings,
          );
        }
        insertPorts(ports);
      }),
    replacePorts: (containerId: string, ports: readonly NetworkPortRow[]) =>
      database.transaction(() => {
        database.run("DELETE FROM network_port WHERE container_id = ?", containerId);
        insertPorts(ports);
      }),
    rename: (row: NetworkEndpointRow) =>
      void database.run(
        "UPDATE network_endpoint SET container_name = ?, settings = ? WHERE endpoint_id = ?",
        row.container_name,
        row.settings,
        row.endpoint_id,
      ),
    deleteEndpoint: (endpointId: string) =>
      void database.run("DELETE FROM network_endpoint WHERE endpoint_id = ?", endpointId),
    deleteOf: (containerId: string) =>
      database.transaction(() => {
        database.run("DELETE FROM network_port WHERE container_id = ?", containerId);
        database.run("DELETE FROM network_endpoint WHERE container_id = ?", containerId);
      }),
  };
}

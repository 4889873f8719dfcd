/** Schema of networks; see `src/db/tables/networks.ts` and `network-attachments.ts`. */
export const sql = `
CREATE TABLE network (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  driver TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  subnet TEXT,
  gateway TEXT,
  ip_range TEXT,
  -- 1 when a person chose the subnet: only then may addresses be asked for.
  subnet_given INTEGER NOT NULL,
  internal INTEGER NOT NULL,
  bridge_name TEXT,
  options TEXT NOT NULL,
  labels TEXT NOT NULL
) STRICT;
CREATE TABLE network_endpoint (
  endpoint_id TEXT PRIMARY KEY,
  container_id TEXT NOT NULL,
  container_name TEXT NOT NULL,
  network_id TEXT NOT NULL REFERENCES network (id),
  position INTEGER NOT NULL,
  interface_name TEXT NOT NULL,
  host_interface TEXT NOT NULL,
  mac_address TEXT NOT NULL,
  ipv4 TEXT NOT NULL,
  UNIQUE (network_id, ipv4)
) STRICT;
CREATE INDEX network_endpoint_container ON network_endpoint (container_id);
CREATE TABLE network_port (
  protocol TEXT NOT NULL,
  host_ip TEXT NOT NULL,
  host_port INTEGER NOT NULL,
  container_id TEXT NOT NULL,
  container_ip TEXT NOT NULL,
  container_port INTEGER NOT NULL,
  PRIMARY KEY (protocol, host_ip, host_port)
) STRICT;
CREATE INDEX network_port_container ON network_port (container_id);
`;

/**
 * Networks with any number of subnets of both families, and containers with several places; see
 * `src/db/tables/networks.ts` and `network-attachments.ts`.
 */
export const sql = `
-- A list of { subnet, gateway, ipRange, auxiliaryAddresses, given }.
ALTER TABLE network ADD COLUMN pools TEXT NOT NULL DEFAULT '[]';
UPDATE network
SET pools = json_array(json_object('subnet', subnet, 'gateway', gateway, 'ipRange', ip_range, 'given', subnet_given))
WHERE subnet IS NOT NULL;
ALTER TABLE network DROP COLUMN subnet;
ALTER TABLE network DROP COLUMN gateway;
ALTER TABLE network DROP COLUMN ip_range;
ALTER TABLE network DROP COLUMN subnet_given;
-- { enableIpv4, enableIpv6, attachable, configOnly, configFrom, ipamDriver, ipamOptions }, each with a default.
ALTER TABLE network ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';

CREATE TABLE network_endpoint_next (
  endpoint_id TEXT PRIMARY KEY,
  container_id TEXT NOT NULL,
  container_name TEXT NOT NULL,
  network_id TEXT NOT NULL REFERENCES network (id),
  position INTEGER NOT NULL,
  interface_name TEXT NOT NULL,
  -- Empty for an interface without a side on the host.
  host_interface TEXT NOT NULL,
  mac_address TEXT NOT NULL,
  ipv4 TEXT,
  ipv6 TEXT,
  -- What the name server and a later connect need to know: { names, links, gatewayPriority, dns }.
  settings TEXT NOT NULL DEFAULT '{}',
  UNIQUE (network_id, ipv4),
  UNIQUE (network_id, ipv6)
) STRICT;
INSERT INTO network_endpoint_next
  (endpoint_id, container_id, container_name, network_id, position, interface_name, host_interface, mac_address, ipv4)
SELECT
  endpoint_id, container_id, container_name, network_id, position, interface_name, host_interface, mac_address, ipv4
FROM network_endpoint;
DROP TABLE network_endpoint;
ALTER TABLE network_endpoint_next RENAME TO network_endpoint;
CREATE INDEX network_endpoint_container ON network_endpoint (container_id);

-- A port of a routed network is open on the container's own address: it has no host address ('') and no host port (0).
CREATE TABLE network_port_next (
  protocol TEXT NOT NULL,
  host_ip TEXT NOT NULL,
  host_port INTEGER NOT NULL,
  container_id TEXT NOT NULL,
  container_ip TEXT NOT NULL,
  container_port INTEGER NOT NULL,
  PRIMARY KEY (protocol, host_ip, host_port, container_ip, container_port)
) STRICT;
INSERT INTO network_port_next SELECT * FROM network_port;
DROP TABLE network_port;
ALTER TABLE network_port_next RENAME TO network_port;
CREATE INDEX network_port_container ON network_port (container_id);
`;

import { expect, test } from "bun:test";
import { linkEnvironment } from "./link-environment.ts";

test("linkEnvironment() has Docker's variables, TCP first, ranges, and no HOME or PATH", () => {
  const variables = linkEnvironment({
    name: "/web/my-db",
    alias: "my-db",
    address: "172.17.0.2",
    ports: ["53/udp", "7001/tcp", "7000/tcp"],
    environment: ["A=1", "HOME=/root", "PATH=/bin"],
  });
  expect(variables).toEqual([
    "MY_DB_PORT=tcp://172.17.0.2:7000",
    "MY_DB_PORT_7000_TCP_START=tcp://172.17.0.2:7000",
    "MY_DB_PORT_7000_TCP_PORT_START=7000",
    "MY_DB_PORT_7000_TCP_END=tcp://172.17.0.2:7001",
    "MY_DB_PORT_7000_TCP_PORT_END=7001",
    "MY_DB_PORT_7000_TCP=tcp://172.17.0.2:7000",
    "MY_DB_PORT_7000_TCP_ADDR=172.17.0.2",
    "MY_DB_PORT_7000_TCP_PORT=7000",
    "MY_DB_PORT_7000_TCP_PROTO=tcp",
    "MY_DB_PORT_7001_TCP=tcp://172.17.0.2:7001",
    "MY_DB_PORT_7001_TCP_ADDR=172.17.0.2",
    "MY_DB_PORT_7001_TCP_PORT=7001",
    "MY_DB_PORT_7001_TCP_PROTO=tcp",
    "MY_DB_PORT_53_UDP=udp://172.17.0.2:53",
    "MY_DB_PORT_53_UDP_ADDR=172.17.0.2",
    "MY_DB_PORT_53_UDP_PORT=53",
    "MY_DB_PORT_53_UDP_PROTO=udp",
    "MY_DB_NAME=/web/my-db",
    "MY_DB_ENV_A=1",
  ]);
});

import { expect, test } from "bun:test";
import { containerEnvironment, mergeEnvironment } from "./environment.ts";

test("containerEnvironment() injects PATH, HOSTNAME and, with a terminal, TERM", () => {
  const environment = containerEnvironment({ Hostname: "web", Tty: true, Env: ["A=1"] }, false);
  expect(environment).toEqual([
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOSTNAME=web",
    "TERM=xterm",
    "A=1",
  ]);
});

test("containerEnvironment() lets the container's own values win, the CA variables too", () => {
  const environment = containerEnvironment({ Env: ["PATH=/x", "SSL_CERT_FILE=/mine"] }, true);
  expect(environment).toContain("PATH=/x");
  expect(environment).toContain("SSL_CERT_FILE=/mine");
  expect(environment).toContain("PIP_CERT=/dev/berth/ca-certificates.crt");
});

test("mergeEnvironment() removes a variable named without a value", () => {
  expect(mergeEnvironment(["A=1", "B=2"], ["A"])).toEqual(["B=2"]);
});

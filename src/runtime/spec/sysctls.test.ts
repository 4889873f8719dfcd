import { expect, test } from "bun:test";
import { checkSysctls } from "./sysctls.ts";

const own = { network: true, ipc: true, uts: true };

test("checkSysctls() takes namespaced ones", () => {
  const sysctls = { "net.ipv4.ip_forward": "1", "kernel.shmmax": "1024", "fs.mqueue.msg_max": "10" };
  expect(checkSysctls(sysctls, own)).toEqual(sysctls);
});

test.each([
  "kernel.core_pattern",
  "net.ipv4/../../kernel/core_pattern",
  "net.ipv4.x\n",
  "kernel.shm_rmid_forced=1+kernel.core_pattern",
  "../kernel/core_pattern",
  "kernel.hostname",
  "vm.swappiness",
  "",
])("checkSysctls() refuses %p", (name) => {
  expect(() => checkSysctls({ [name]: "1" }, own)).toThrow();
});

test("checkSysctls() refuses a value with a line break, and one for the host's namespace", () => {
  expect(() => checkSysctls({ "net.ipv4.ip_forward": "1\n2" }, own)).toThrow("net.ipv4.ip_forward");
  expect(() => checkSysctls({ "net.ipv4.ip_forward": "1" }, { ...own, network: false })).toThrow("network");
});

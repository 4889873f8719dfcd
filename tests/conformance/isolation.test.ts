import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

const daemon = useDaemon();
const run = (...words: string[]) => daemon.ok("run", "--rm", ...words);
const sh = (script: string, ...options: string[]) => run(...options, "busybox", "sh", "-c", script);

describe("isolation", () => {
  test("processes see only their own, as PID 1", async () => {
    const lines = (await sh("echo $$; ps")).split("\n");
    expect(lines[0]).toBe("1");
    expect(lines.length).toBeLessThan(5);
  });

  test("Docker's default capabilities, nothing more", async () => {
    const output = await sh("grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status");
    expect(output).toMatch(/CapPrm:\s*00000000a80425fb/);
    expect(output).toMatch(/CapEff:\s*00000000a80425fb/);
    expect(output).toMatch(/CapBnd:\s*00000000a80425fb/);
    expect(output).toMatch(/CapAmb:\s*0000000000000000/);
  });

  test("--cap-add and --cap-drop", async () => {
    expect(await sh("grep CapEff /proc/self/status", "--cap-drop", "ALL")).toMatch(/0{16}$/);
    expect(await sh("grep CapEff /proc/self/status", "--cap-drop", "ALL", "--cap-add", "NET_ADMIN")).toMatch(
      /0000000000001000$/,
    );
    expect(await sh("grep CapEff /proc/self/status", "--cap-add", "CAP_SYS_TIME")).toMatch(/00000000aa0425fb$/);
    const unknown = await daemon.cli(["run", "--rm", "--cap-add", "CAP_FLY", "busybox", "true"]);
    expect(unknown.exitCode).toBe(125);
    expect(unknown.stderr).toContain("CAP_FLY");
  });

  test("seccomp is on by default and off with unconfined", async () => {
    expect(await sh("grep -w Seccomp: /proc/self/status")).toMatch(/2$/);
    expect(await sh("grep -w Seccomp: /proc/self/status", "--security-opt", "seccomp=unconfined")).toMatch(/0$/);
  });

  test("the default profile refuses unshare, mount and the keyring", async () => {
    const refused = await daemon.cli(["run", "--rm", "busybox", "unshare", "-r", "true"]);
    expect(refused.exitCode).not.toBe(0);
    expect((await daemon.cli(["run", "--rm", "busybox", "mount", "-t", "tmpfs", "x", "/tmp"])).exitCode).not.toBe(0);
    expect(
      (await daemon.cli(["run", "--rm", "--cap-add", "SYS_ADMIN", "busybox", "mount", "-t", "tmpfs", "x", "/tmp"]))
        .exitCode,
    ).toBe(0);
  });

  test("--security-opt no-new-privileges", async () => {
    expect(await sh("grep NoNewPrivs /proc/self/status")).toMatch(/0$/);
    expect(await sh("grep NoNewPrivs /proc/self/status", "--security-opt", "no-new-privileges")).toMatch(/1$/);
  });

  test("sensitive paths of /proc and /sys are masked or read-only", async () => {
    expect(
      await sh("wc -c < /proc/kcore; ls /proc/acpi /sys/firmware 2>/dev/null | grep -v : | grep -c . || true"),
    ).toStartWith("0");
    const write = await daemon.cli(["run", "--rm", "busybox", "sh", "-c", "echo 1 > /proc/sys/kernel/panic"]);
    expect(write.exitCode).not.toBe(0);
    const trigger = await daemon.cli(["run", "--rm", "busybox", "sh", "-c", "echo h > /proc/sysrq-trigger"]);
    expect(trigger.exitCode).not.toBe(0);
    expect((await daemon.cli(["run", "--rm", "busybox", "touch", "/sys/x"])).exitCode).not.toBe(0);
  });

  test("/dev has Docker's nodes and no disks", async () => {
    const names = (await sh("ls /dev")).split(/\s+/);
    for (const name of [
      "null",
      "zero",
      "full",
      "random",
      "urandom",
      "tty",
      "ptmx",
      "pts",
      "shm",
      "fd",
      "stdin",
      "stdout",
      "stderr",
      "mqueue",
    ])
      expect(names).toContain(name);
    expect(names.filter((name) => /^(vd|sd|nvme|loop|kmsg|mem|kvm)/.test(name))).toEqual([]);
    expect(
      (await daemon.cli(["run", "--rm", "busybox", "sh", "-c", "mknod /tmp/disk b 254 0 && head -c 1 /tmp/disk"]))
        .exitCode,
    ).not.toBe(0);
  });

  test("--device gives one device, with the access asked for", async () => {
    if (!existsSync("/dev/loop-control")) return;
    expect(
      await sh("ls /dev/given; head -c 0 /dev/given && echo readable", "--device", "/dev/zero:/dev/given:r"),
    ).toContain("readable");
    const missing = await daemon.cli(["run", "--rm", "--device", "/dev/not-there", "busybox", "true"]);
    expect([125, 127]).toContain(missing.exitCode); // the client makes 127 of "no such file or directory"
    expect(missing.stderr).toContain("/dev/not-there");
  });

  // A host without CAP_SYS_RESOURCE cannot give every capability away; runc refuses, an engine should clamp.
  test.if(!targetIsDockerd)("--privileged has the capabilities of the daemon, devices, and no seccomp", async () => {
    const output = await sh(
      "grep -w -E 'Seccomp:|CapEff:' /proc/self/status; ls /dev/kmsg; mount -t tmpfs x /tmp && echo mounted",
      "--privileged",
    );
    expect(output).toMatch(/Seccomp:\s*0/);
    expect(output).toContain("/dev/kmsg");
    expect(output).toContain("mounted");
  });

  test("the root of the host is out of reach", async () => {
    const host = await sh("ls -id / | awk '{print $1}'; cat /proc/1/root/etc/passwd | head -1");
    expect(host).toContain("root:x:0:0:root:/root:/bin/sh");
    expect(
      (
        await daemon.cli([
          "run",
          "--rm",
          "busybox",
          "sh",
          "-c",
          "cd /proc/1/cwd/../../../../..; ls -d home var && ls boot",
        ])
      ).exitCode,
    ).not.toBe(0);
  });

  test("control groups are read-only", async () => {
    const result = await daemon.cli([
      "run",
      "--rm",
      "busybox",
      "sh",
      "-c",
      "find /sys/fs/cgroup -name cgroup.procs -o -name tasks | head -1 | xargs sh -c 'echo 1 > $0'",
    ]);
    expect(result.exitCode).not.toBe(0);
  });

  test("--ipc=host and --ipc=container:X share /dev/shm", async () => {
    const name = uniqueName();
    await daemon.ok(
      "run",
      "-d",
      "--ipc",
      "shareable",
      "--name",
      name,
      "busybox",
      "sh",
      "-c",
      "echo there > /dev/shm/mark; sleep 1000",
    );
    await daemon.ok("exec", name, "sh", "-c", "until [ -s /dev/shm/mark ]; do usleep 10000; done");
    expect(await run("--ipc", `container:${name}`, "busybox", "cat", "/dev/shm/mark")).toBe("there");
    await daemon.ok("rm", "-f", name);
  });

  test("oom_score_adj is set as far as the host allows", async () => {
    expect(await sh("cat /proc/self/oom_score_adj", "--oom-score-adj", "500")).toBe("500");
  });

  test("an unknown security option is refused", async () => {
    const result = await daemon.cli(["run", "--rm", "--security-opt", "walls=high", "busybox", "true"]);
    expect(result.exitCode).toBe(125);
    expect(result.stderr).toContain("walls");
  });

  test("writes of one container are not seen by another of the same image", async () => {
    await sh("echo mine > /bin/planted");
    expect((await daemon.cli(["run", "--rm", "busybox", "cat", "/bin/planted"])).exitCode).toBe(1);
  });

  test("file capabilities, set-uid bits and owners of the image are kept", async () => {
    expect(await sh("touch /tmp/x; chown 12:34 /tmp/x; chmod 4755 /tmp/x; stat -c '%u %g %a' /tmp/x")).toBe(
      "12 34 4755",
    );
  });
});

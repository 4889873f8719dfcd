import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { uniqueName, useDaemon } from "./daemon.ts";

const scratch = mkdtempSync(join(tmpdir(), "berth-defaults-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const profile = join(scratch, "seccomp.json");
writeFileSync(
  profile,
  JSON.stringify({
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", args: [] }],
  }),
);

const daemon = useDaemon({
  flags: [
    ...["--default-ulimit", "nofile=123:456", "--default-ulimit", "core=0"],
    ...["--default-shm-size", "8m", "--default-ipc-mode", "shareable", "--default-cgroupns-mode", "private"],
    ...["--seccomp-profile", profile, "--log-driver", "local", "--log-opt", "max-size=1m", "--init"],
  ],
});
const run = (...words: string[]) => daemon.ok("run", "--rm", ...words);

describe("what the daemon gives containers that say nothing", () => {
  test("limits of processes, unless they set their own", async () => {
    const show = ["busybox", "sh", "-c", "ulimit -Sn; ulimit -Hn; ulimit -c"];
    expect(await run(...show)).toBe("123\n456\n0");
    expect(await run("--ulimit", "nofile=50", ...show)).toBe("50\n50\n0");
  });

  test("the size of /dev/shm, the modes of IPC and control groups, the log driver, an init", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "busybox", "sh", "-c", "echo hello; exec sleep 60");
    const { HostConfig } = await daemon.inspect<{ HostConfig: Record<string, unknown> }>(name);
    expect(HostConfig).toMatchObject({
      ShmSize: 8 * 1024 * 1024,
      IpcMode: "shareable",
      CgroupnsMode: "private",
      LogConfig: { Type: "local", Config: { "max-size": "1m" } },
    });
    expect(await daemon.ok("exec", name, "df", "-k", "/dev/shm")).toMatch(/ 8192 /);
    expect(await daemon.ok("exec", name, "cat", "/proc/1/comm")).toMatch(/init|tini|catatonit/);
    expect(await run("--ipc", `container:${name}`, "busybox", "df", "-k", "/dev/shm")).toMatch(/ 8192 /);
    expect(await daemon.ok("logs", name)).toBe("hello");
    await daemon.ok("rm", "-f", name);
  });

  test("a seccomp profile, which a container may change", async () => {
    const refused = await daemon.cli(["run", "--rm", "busybox", "mkdir", "/x"]);
    expect(refused.stderr).toContain("Operation not permitted");
    expect(await run("--security-opt", "seccomp=unconfined", "busybox", "mkdir", "/x")).toBe("");
    expect(await daemon.ok("info", "-f", "{{json .SecurityOptions}}")).toContain("name=seccomp,profile=");
    expect(await daemon.ok("info", "-f", "{{.LoggingDriver}}")).toBe("local");
  });
});

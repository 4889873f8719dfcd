import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { client, uniqueName, useDaemon } from "../conformance/daemon.ts";
import { eventually, runCommand } from "../engines/command.ts";
import { startEngine } from "../engines/engine.ts";
import { busyboxArchive } from "../engines/busybox-image.ts";
import { statusField } from "../engines/process.ts";
import { differences, snapshot } from "./leak-oracle.ts";

const daemon = useDaemon();

test.each(["SIGTERM", "SIGKILL"] as const)(
  "clients with open streams end when the daemon gets %s, and nothing leaks",
  async (signal) => {
    const before = await snapshot(daemon.engine);
    const name = uniqueName("streams");
    await daemon.ok("run", "-d", "--name", name, "busybox", "sh", "-c", "while :; do echo line; usleep 50000; done");
    const context = join(daemon.directory, uniqueName("context"));
    await runCommand(["mkdir", context]);
    writeFileSync(join(context, "Dockerfile"), "FROM busybox\nRUN sleep 100\n");
    const clients = [
      daemon.cli(["wait", name]),
      daemon.cli(["logs", "-f", name]),
      daemon.cli(["attach", "--sig-proxy=false", name]),
      daemon.cli(["events"]),
      daemon.cli(["build", "--no-cache", context]),
      daemon.cli(["exec", name, "sleep", "100"]),
    ];
    await Bun.sleep(1500);
    if (signal === "SIGTERM") await daemon.engine.halt();
    else await daemon.engine.kill();
    const ended = await Promise.race([Promise.all(clients), Bun.sleep(10_000)]);
    expect(ended).toBeDefined();
    await daemon.engine.start();
    expect(await daemon.ok("inspect", "-f", "{{.State.Status}}", name)).toBe("running");
    await daemon.ok("rm", "-f", name);
    expect(await differences(before, daemon.engine)).toEqual([]);
  },
  60_000,
);

test("two daemons side by side: what happens to one never touches the other", async () => {
  const other = await startEngine("berth");
  const onOther = (...words: string[]) =>
    runCommand([client, ...words], {
      environment: { ...daemon.environment, DOCKER_HOST: other.host, BERTH_HOST: other.host },
    });
  const serve = ["busybox", "sh", "-c", "echo $0 > /index.html; exec httpd -f -p 80 -h /"];
  const name = uniqueName("served");
  await daemon.ok("run", "-d", "--name", name, "-p", "127.0.0.1::80", ...serve, "first");
  const address = await daemon.ok("port", name, "80");
  const page = async (from: string) => (await fetch(`http://${from}/`, { signal: AbortSignal.timeout(3000) })).text();
  expect((await onOther("load", "-q", "-i", await busyboxArchive())).exitCode).toBe(0);
  expect((await onOther("run", "-d", "-p", "127.0.0.1::80", "--name", "second", ...serve, "second")).exitCode).toBe(0);
  const otherAddress = (await onOther("port", "second", "80")).stdout.trim();
  await eventually("both to serve", async () => {
    const pages = await Promise.all([page(address), page(otherAddress)]).catch(() => []);
    return pages.join("") === "first\nsecond\n";
  });
  await other.kill();
  expect(await page(address)).toBe("first\n");
  await other.start();
  expect(await page(otherAddress)).toBe("second\n");
  await other.destroy();
  expect(await page(address)).toBe("first\n");
  await daemon.ok("rm", "-f", name);
}, 60_000);

test("300 runs leave the daemon with the descriptors and memory it had", async () => {
  const figures = async () => ({
    descriptors: Number((await runCommand(["sh", "-c", `ls /proc/${daemon.engine.pid()}/fd | wc -l`])).stdout),
    rssMB: Number.parseInt(statusField(daemon.engine.pid(), "VmRSS") ?? "0", 10) / 1024,
  });
  const run = async () => {
    const created = await daemon.api("POST", "/containers/create", { Image: "busybox", Cmd: ["true"] });
    const { Id } = created.json<{ Id: string }>();
    await daemon.api("POST", `/containers/${Id}/start`);
    await daemon.api("POST", `/containers/${Id}/wait`);
    expect((await daemon.api("DELETE", `/containers/${Id}?force=1`)).status).toBe(204);
  };
  const runMany = async (count: number) => {
    for (let index = 0; index < count; index += 4) await Promise.all([run(), run(), run(), run()]);
    await Bun.sleep(300);
    return figures();
  };
  const first = await runMany(60);
  const last = await runMany(300);
  console.log({ first, last });
  expect(last.descriptors - first.descriptors).toBeLessThanOrEqual(4);
  expect(last.rssMB - first.rssMB).toBeLessThan(40);
}, 120_000);

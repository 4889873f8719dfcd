import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { useDaemon } from "../conformance/daemon.ts";
import { processesNaming, statusField } from "../engines/process.ts";

const daemon = useDaemon();

const residentMegabytes = (pid: number) => Number.parseInt(statusField(pid, "VmRSS") ?? "0", 10) / 1024;

test("1 GB through run -i cat is byte-exact, with flat memory in daemon and supervisor", async () => {
  const megabytes = 1024;
  const watched = () => {
    const pids = processesNaming(daemon.engine.execRoot).filter(({ command }) => / (daemon|supervisor) /.test(command));
    return Math.max(...pids.map(({ pid }) => residentMegabytes(pid)));
  };
  await daemon.ok("run", "--rm", "busybox", "true");
  const before = watched();
  let peak = before;
  // The runtime's own buffers grow with the first megabytes; what must not be is growth with what passes through.
  let peakOfFirstQuarter = 0;
  const timer = setInterval(() => (peak = Math.max(peak, watched())), 50);
  // A fixed pseudo-random stream: openssl's AES-CTR of zeros would do as well, but is not everywhere.
  const block = new Uint8Array(1 << 20);
  for (let index = 0; index < block.length; index += 1) block[index] = (Math.imul(index, 2_654_435_761) >>> 13) & 255;
  const expected = new Bun.CryptoHasher("sha256");
  const received = new Bun.CryptoHasher("sha256");
  const child = Bun.spawn(["docker", "run", "--rm", "-i", "--log-driver", "none", "busybox", "cat"], {
    env: { ...process.env, ...daemon.environment },
    stdin: "pipe",
    stdout: "pipe",
  });
  const feeding = (async () => {
    for (let count = 0; count < megabytes; count += 1) {
      block[0] = count & 255;
      block[1] = count >> 8;
      const copy = block.slice();
      expected.update(copy);
      await child.stdin.write(copy);
      await child.stdin.flush();
      if (count === megabytes / 4) peakOfFirstQuarter = Math.max(peak, watched());
    }
    await child.stdin.end();
  })();
  let bytes = 0;
  for await (const chunk of child.stdout) {
    bytes += chunk.length;
    received.update(chunk);
  }
  await feeding;
  clearInterval(timer);
  expect(await child.exited).toBe(0);
  expect(bytes).toBe(megabytes << 20);
  expect(received.digest("hex")).toBe(expected.digest("hex"));
  console.log(
    `memory: ${before.toFixed(0)} MB before, ${peakOfFirstQuarter.toFixed(0)} MB after 256 MB, ${peak.toFixed(0)} MB at most`,
  );
  expect(peak - peakOfFirstQuarter).toBeLessThan(32);
  expect(peak - before).toBeLessThan(128);
}, 120_000);

test("a container that floods its log does not grow daemon or supervisor", async () => {
  const name = "flood";
  const pids = processesNaming(daemon.engine.execRoot).filter(({ command }) => / (daemon|supervisor) /.test(command));
  const total = () => pids.reduce((sum, { pid }) => sum + residentMegabytes(pid), 0);
  const before = total();
  await daemon.ok(
    "run",
    "-d",
    "--name",
    name,
    "--log-opt",
    "max-size=10m",
    "--log-opt",
    "max-file=2",
    "busybox",
    "yes",
    "x".repeat(99),
  );
  await Bun.sleep(5000);
  const grown = total() - before;
  const path = await daemon.ok("inspect", "-f", "{{.LogPath}}", name);
  await daemon.ok("rm", "-f", name);
  console.log(`grown by ${grown.toFixed(0)} MB; the log was ${path}`);
  expect(grown).toBeLessThan(64);
  expect(() => readFileSync(path)).toThrow();
}, 30_000);

import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive } from "../../engines/busybox-image.ts";
import { eventually, mustRun } from "../../engines/command.ts";
import { writeManyLayers } from "../layers.ts";
import { berth, docker, dockerResult } from "../service.ts";
import { check, reportChecks } from "./checks.ts";

/*
 * One boot of `scripts/vm power-cut store`: looks at what the boot before left, then works until the power goes. What a
 * client was told is done is printed ("acknowledged …"), which the host remembers, and must still be there.
 *   store.ts load|build|create|stop|end [what was acknowledged…]
 */
const [phase = "end", ...acknowledged] = process.argv.slice(2);

async function checkRun(image: string): Promise<void> {
  const words = ["run", "--rm", image, "sh", "-c", "cd /layers && cat $(ls | sort -n) | wc -l && ls | wc -l"];
  const result = await dockerResult(...words);
  const [lines, files] = result.stdout.trim().split("\n");
  check(`${image} runs with all its files`, result.exitCode === 0 && lines === files, result.stdout + result.stderr);
}

/** Everything acknowledged is there, and everything that is there can be used. */
async function checkStore(): Promise<void> {
  const daemonAnswers = async () => (await dockerResult("version")).exitCode === 0;
  await eventually("the daemon to answer after the boot", daemonAnswers, 120_000);
  for (const entry of acknowledged) {
    const [kind = "", name = ""] = entry.split("=");
    const words = kind === "image" ? ["image", "inspect", name] : ["container", "inspect", name];
    const result = await dockerResult(...words);
    check(`${entry} is there`, result.exitCode === 0, result.stderr);
  }
  const images = (await docker("images", "--format", "{{.Repository}}")).split("\n").filter(Boolean);
  for (const image of images) if (image.startsWith("tall-") || image.startsWith("built-")) await checkRun(image);
  const containers = (await docker("ps", "-a", "--format", "{{.Names}}")).split("\n").filter(Boolean);
  for (const container of containers.filter((name) => name.startsWith("made-"))) {
    const result = await dockerResult("start", "-a", container);
    check(`${container} starts`, result.stdout.trim() === container, result.stdout + result.stderr);
    check(`${container} is removed`, (await dockerResult("rm", container)).exitCode === 0);
    console.log(`released container=${container}`);
  }
  check("disk usage is shown", (await dockerResult("system", "df")).exitCode === 0);
  const scratch = "/var/lib/berth/tmp";
  const left = existsSync(scratch) ? readdirSync(scratch) : [];
  check("nothing half done is left", left.length === 0, left.join(" "));
}

/** A machine that was shut down in order: containers were told, and are back. */
async function checkReboot(): Promise<void> {
  const running = async () => (await docker("ps", "--format", "{{.Names}}")).split("\n");
  const areBack = async () => (await running()).filter((name) => ["told", "stubborn"].includes(name)).length === 2;
  await eventually("containers to be started again", areBack, 60_000).catch(() => false);
  check("containers of a restart policy run again", await areBack(), (await running()).join(" "));
  const log = await docker("run", "--rm", "-v", "kept:/kept", "busybox", "cat", "/kept/log");
  check("the container was told of the shutdown", log === "started\ntold\nstarted", log);
}

/** Works for ever: the host ends it; only "stop" ends by itself. */
const phases: Readonly<Record<string, () => Promise<void>>> = {
  load: async () => {
    await berth("daemon", "install");
    await eventually("the daemon to answer", () => existsSync("/run/berth/berth.sock"), 120_000);
    await docker("load", "-q", "-i", await busyboxArchive());
    console.log("acknowledged image=busybox");
    const archives = "/var/archives";
    mkdirSync(archives);
    for (let index = 0; index < 3; index++) writeManyLayers(join(archives, String(index)), `tall-${index}`, 6 + index);
    for (let index = 0; ; index++) {
      await docker("load", "-q", "-i", join(archives, String(index % 3)));
      console.log(`acknowledged image=tall-${index % 3}`);
      if (index >= 2) await docker("rmi", `tall-${(index + 1) % 3}`);
      if (index >= 2) console.log(`released image=tall-${(index + 1) % 3}`);
    }
  },
  build: async () => {
    const context = "/var/context";
    mkdirSync(context, { recursive: true });
    const steps = [0, 1, 2, 3].map((number) => `RUN mkdir -p /layers && echo ${number} $N > /layers/${number}`);
    writeFileSync(join(context, "Dockerfile"), ["FROM busybox", "ARG N", ...steps].join("\n"));
    for (let index = 0; ; index++) {
      await docker("build", "-q", "--build-arg", `N=${index}`, "-t", `built-${index}`, context);
      console.log(`acknowledged image=built-${index}`);
    }
  },
  stop: async () => {
    const program =
      "echo started >> /kept/log; trap 'echo told >> /kept/log; exit' TERM; while :; do usleep 100000; done";
    const policy = ["-d", "--restart", "always"];
    await docker("run", ...policy, "--name", "told", "-v", "kept:/kept", "busybox", "sh", "-c", program);
    await docker("run", ...policy, "--name", "stubborn", "--stop-timeout", "3", "busybox", "sleep", "100000");
    console.log("the machine is shut down");
    await mustRun(["systemctl", "poweroff"]);
    await Bun.sleep(120_000);
  },
  create: async () => {
    for (let index = 0; ; index++) {
      const name = `made-${index}`;
      await docker("create", "--name", name, "-v", `data-${index}:/data`, "busybox", "echo", name);
      console.log(`acknowledged container=${name}`);
    }
  },
};

if (phase !== "load") await checkStore();
if (phase === "end") await checkReboot();
reportChecks();
await phases[phase]?.();

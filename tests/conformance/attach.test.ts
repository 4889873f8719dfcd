import { describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { eventually } from "../engines/command.ts";
import { client, uniqueName, useDaemon } from "./daemon.ts";
import { openTerminal } from "./terminal.ts";

const daemon = useDaemon();

/** Everything a connection receives, and whether the other side has closed. */
function collect(socket: Socket): { bytes(): Buffer; ended(): boolean } {
  let bytes = Buffer.alloc(0);
  let ended = false;
  socket.on("data", (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])));
  socket.on("end", () => (ended = true));
  socket.on("close", () => (ended = true));
  return { bytes: () => bytes, ended: () => ended };
}

/** Splits an answer into its head and the frames after it: [stream, text]. */
function framesOf(bytes: Buffer): { head: string; frames: [number, string][]; rest: Buffer } {
  const split = bytes.indexOf("\r\n\r\n") + 4;
  const frames: [number, string][] = [];
  let rest = bytes.subarray(split);
  while (rest.length >= 8 && rest.length >= 8 + rest.readUInt32BE(4)) {
    frames.push([rest[0] ?? 0, rest.subarray(8, 8 + rest.readUInt32BE(4)).toString()]);
    rest = rest.subarray(8 + rest.readUInt32BE(4));
  }
  return { head: bytes.subarray(0, split).toString(), frames, rest };
}

const text = (frames: [number, string][], stream: number) =>
  frames.flatMap(([type, data]) => (type === stream ? [data] : [])).join("");

async function hijack(path: string, headers: readonly string[] = [], body = ""): Promise<Socket> {
  const socket = await daemon.connect();
  const length = body === "" ? [] : [`Content-Length: ${body.length}`, "Content-Type: application/json"];
  socket.write([`POST ${path} HTTP/1.1`, "Host: x", ...headers, ...length, "", body].join("\r\n"));
  return socket;
}

const upgrade = ["Connection: Upgrade", "Upgrade: tcp"];

describe("attach", () => {
  test("without stream gives the log and ends, also when the container has ended", async () => {
    const name = uniqueName();
    await daemon.ok("run", "--name", name, "busybox", "echo", "hello");
    const socket = await hijack(`/containers/${name}/attach?logs=1&stdout=1&stderr=1&stream=0`, upgrade);
    const received = collect(socket);
    await eventually("the connection to end", () => received.ended());
    expect(framesOf(received.bytes()).frames).toEqual([[1, "hello\n"]]);
    await daemon.ok("rm", name);
  });

  test("shows what comes and passes standard input", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "-i", "--name", name, "busybox", "cat");
    const child = Bun.spawn([client, "attach", name], {
      env: { ...process.env, ...daemon.environment },
      stdin: "pipe",
      stdout: "pipe",
    });
    await child.stdin.write("through\n");
    await child.stdin.flush();
    const { value } = await child.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toBe("through\n");
    child.kill("SIGKILL");
    await child.exited;
    expect(await daemon.ok("inspect", "-f", "{{.State.Running}}", name)).toBe("true");
    await daemon.ok("rm", "-f", name);
  });

  test("two clients see the same output", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "busybox", "sh", "-c", "sleep 0.7; seq 1 100; exit 4");
    const [one, two] = await Promise.all([daemon.cli(["attach", name]), daemon.cli(["attach", name])]);
    expect(one).toMatchObject({ exitCode: 4, stdout: two.stdout });
    expect(one.stdout).toEndWith("\n100\n");
    await daemon.ok("rm", name);
  });

  test("a terminal can be left and joined again", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-dit", "--name", name, "busybox", "sh");
    const first = openTerminal(daemon, ["attach", name]);
    await first.typesUntil("echo first-$((1+1))\n", "first-2");
    first.type("\u0010\u0011");
    await first.exited;
    const second = openTerminal(daemon, ["attach", name]);
    await second.typesUntil("echo second-$((1+2))\n", "second-3");
    second.type("exit 8\n");
    expect(await second.exited).toBe(8);
    await daemon.ok("rm", name);
  });

  test("attach to a stopped container is refused", async () => {
    const name = uniqueName();
    await daemon.ok("create", "--name", name, "busybox");
    const result = await daemon.cli(["attach", name]);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("cannot attach to a stopped container");
    await daemon.ok("rm", name);
  });

  test("a reader that stops reading holds nobody else up for ever, and gets everything when it goes on", async () => {
    const name = uniqueName();
    await daemon.ok(
      "run",
      "-d",
      "-i",
      "--name",
      name,
      "busybox",
      "sh",
      "-c",
      "read x; head -c 3000000 /dev/zero | tr '\\0' z; sleep 1",
    );
    const socket = await hijack(`/containers/${name}/attach?stream=1&stdout=1&stdin=1`, upgrade);
    const received = collect(socket);
    await eventually("the upgrade", () => received.bytes().includes("\r\n\r\n"));
    socket.pause();
    socket.write("go\n");
    await Bun.sleep(500);
    socket.resume();
    await eventually("all bytes", () => text(framesOf(received.bytes()).frames, 1).length === 3_000_000);
    socket.destroy();
    await daemon.ok("rm", "-f", name);
  });
});

describe("hijacked connections", () => {
  test("with Upgrade the answer is 101 and frames follow; half-close ends standard input", async () => {
    const name = uniqueName();
    await daemon.ok("create", "-i", "--name", name, "busybox", "sh", "-c", "cat; echo err >&2");
    const socket = await hijack(`/v1.41/containers/${name}/attach?stream=1&stdin=1&stdout=1&stderr=1`, upgrade);
    const received = collect(socket);
    await eventually("the upgrade", () => received.bytes().includes("\r\n\r\n"));
    await daemon.ok("start", name);
    socket.write("hello");
    socket.end();
    await eventually("the end", () => received.ended());
    const { head, frames, rest } = framesOf(received.bytes());
    expect(head).toMatch(/^HTTP\/1\.1 101 UPGRADED\r\n/);
    expect(head).toMatch(/\r\nConnection: Upgrade\r\n/i);
    expect(head).toMatch(/\r\nUpgrade: tcp\r\n/i);
    expect([text(frames, 1), text(frames, 2), rest.length]).toEqual(["hello", "err\n", 0]);
    await daemon.ok("rm", "-f", name);
  });

  test("without Upgrade the answer is 200 and the stream the same", async () => {
    const name = uniqueName();
    await daemon.ok("create", "-i", "--name", name, "busybox", "cat");
    const socket = await hijack(`/v1.41/containers/${name}/attach?stream=1&stdin=1&stdout=1`);
    const received = collect(socket);
    await eventually("the answer", () => received.bytes().includes("\r\n\r\n"));
    await daemon.ok("start", name);
    socket.write("plain");
    socket.end();
    await eventually("the end", () => received.ended());
    const { head, frames } = framesOf(received.bytes());
    expect(head).toStartWith("HTTP/1.1 200 OK\r\n");
    expect(head).toContain("application/vnd.docker.raw-stream");
    expect(text(frames, 1)).toBe("plain");
    await daemon.ok("rm", "-f", name);
  });

  test("a terminal's stream has no frames", async () => {
    const name = uniqueName();
    await daemon.ok("create", "-it", "--name", name, "busybox", "echo", "raw");
    const socket = await hijack(`/v1.41/containers/${name}/attach?stream=1&stdout=1&stdin=1`, upgrade);
    const received = collect(socket);
    await eventually("the upgrade", () => received.bytes().includes("\r\n\r\n"));
    await daemon.ok("start", name);
    await eventually("the end", () => received.ended());
    expect(framesOf(received.bytes()).rest.toString()).toBe("raw\r\n");
    socket.destroy();
    await daemon.ok("rm", "-f", name);
  });

  test("logs=1 replays the log first", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "busybox", "sh", "-c", "echo early; sleep 0.8; echo late");
    await eventually("the first line", async () => (await daemon.ok("logs", name)) === "early");
    const socket = await hijack(`/containers/${name}/attach?logs=1&stream=1&stdout=1`, upgrade);
    const received = collect(socket);
    await eventually("the end", () => received.ended());
    expect(text(framesOf(received.bytes()).frames, 1)).toBe("early\nlate\n");
    await daemon.ok("rm", name);
  });

  test("exec start carries its body and upgrades in one request; half-close does not kill it", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "busybox", "sleep", "1000");
    const { Id } = (
      await daemon.api("POST", `/containers/${name}/exec`, {
        Cmd: ["sh", "-c", "sleep 0.3; echo done"],
        AttachStdout: true,
      })
    ).json<{ Id: string }>();
    const socket = await hijack(`/exec/${Id}/start`, upgrade, JSON.stringify({ Detach: false, Tty: false }));
    const received = collect(socket);
    socket.end();
    await eventually("the end", () => received.ended());
    const { head, frames } = framesOf(received.bytes());
    expect(head).toStartWith("HTTP/1.1 101 UPGRADED\r\n");
    expect(text(frames, 1)).toBe("done\n");
    expect((await daemon.api("GET", `/exec/${Id}/json`)).json()).toMatchObject({ Running: false, ExitCode: 0 });
    await daemon.ok("rm", "-f", name);
  });

  test("the Tty of exec start, not of the exec, says how output is sent", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "busybox", "sleep", "1000");
    const run = async (createTty: boolean, startTty: boolean) => {
      const { Id } = (
        await daemon.api("POST", `/containers/${name}/exec`, {
          Cmd: ["sh", "-c", "echo out; sleep 0.1; echo more"],
          AttachStdout: true,
          Tty: createTty,
        })
      ).json<{ Id: string }>();
      const socket = await hijack(`/exec/${Id}/start`, upgrade, JSON.stringify({ Detach: false, Tty: startTty }));
      const received = collect(socket);
      await eventually("the end", () => received.ended());
      return framesOf(received.bytes());
    };
    expect(text((await run(true, false)).frames, 1)).toBe("out\r\nmore\r\n");
    expect((await run(false, true)).rest.toString()).toBe("out\nmore\n");
    await daemon.ok("rm", "-f", name);
  });

  test("clients that leave a silent container cost nothing lasting", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--stop-timeout", "0", "--name", name, "busybox", "sleep", "1000");
    const descriptors = async () => (await daemon.api("GET", "/info")).json<{ NFd: number }>().NFd;
    const before = await descriptors();
    for (let round = 0; round < 10; round += 1) {
      const socket = await hijack(`/containers/${name}/attach?stream=1&stdout=1&stderr=1`, upgrade);
      await new Promise((resolve) => socket.once("data", resolve));
      socket.destroy();
    }
    await eventually("the streams to be closed", async () => (await descriptors()) <= before + 1);
    await daemon.ok("rm", "-f", name);
  });

  test("a connection that breaks leaves the container alone", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "-i", "--name", name, "busybox", "cat");
    for (let round = 0; round < 5; round += 1) {
      const socket = await hijack(`/containers/${name}/attach?stream=1&stdin=1&stdout=1`, upgrade);
      await new Promise((resolve) => socket.once("data", resolve));
      socket.destroy();
    }
    await Bun.sleep(200);
    expect(await daemon.ok("inspect", "-f", "{{.State.Running}}", name)).toBe("true");
    await daemon.ok("rm", "-f", name);
  });

  test("resize wants both numbers and a running container", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-dt", "--name", name, "busybox", "sh", "-c", "sleep 0.6; stty size; sleep 1000");
    expect((await daemon.api("POST", `/containers/${name}/resize?h=45&w=67`)).status).toBe(200);
    expect((await daemon.api("POST", `/containers/${name}/resize?h=45`)).status).toBe(400);
    expect((await daemon.api("POST", `/containers/${name}/resize?h=x&w=1`)).status).toBe(400);
    await eventually("the size", async () => (await daemon.ok("logs", name)).includes("45 67"));
    await daemon.ok("kill", name);
    expect((await daemon.api("POST", `/containers/${name}/resize?h=45&w=67`)).status).toBe(409);
    await daemon.ok("rm", name);
  });
});

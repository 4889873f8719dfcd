import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectDatagram, sendDatagram } from "#linux";
import { eventually } from "../engines/command.ts";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "berth-datagram-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("datagrams reach a unix socket whole and in order, and a full receiver says so", async () => {
  const socket = join(directory, "journal");
  const output = join(directory, "received");
  // Node and Bun have no unix datagram sockets to listen with.
  const receiver = Bun.spawn(
    [
      "python3",
      "-c",
      `import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); print("ready", flush=True)
sys.stdin.readline()
with open(sys.argv[2], "w") as out:
    while True:
        message = s.recv(65536)
        if message == b"end": break
        out.write("%d " % len(message)); out.flush()`,
      socket,
      output,
    ],
    { stdin: "pipe", stdout: "pipe", stderr: "inherit" },
  );
  const reader = receiver.stdout.getReader();
  await reader.read();
  const fd = connectDatagram(socket);
  expect(sendDatagram(fd, Buffer.alloc(5, "x"))).toBe(5);
  expect(sendDatagram(fd, Buffer.alloc(60_000, "x"))).toBe(60_000);
  // net.unix.max_dgram_qlen messages wait at most; EAGAIN is 11.
  let result = 0;
  let sent = 2;
  while ((result = sendDatagram(fd, Buffer.alloc(7, "x"))) === 7 && sent < 100_000) sent++;
  expect(result).toBe(-11);
  await receiver.stdin.write("go\n");
  await receiver.stdin.flush();
  await eventually("room for the end", () => sendDatagram(fd, Buffer.from("end")) === 3);
  expect(await receiver.exited).toBe(0);
  expect(readFileSync(output, "utf8").trim().split(" ").map(Number)).toEqual([
    5,
    60_000,
    ...Array.from({ length: sent - 2 }, () => 7),
  ]);
  expect(() => connectDatagram(join(directory, "nobody"))).toThrow("ENOENT");
});

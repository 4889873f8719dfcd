import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun } from "../engines/command.ts";
import { uniqueName, useDaemon } from "./daemon.ts";

const daemon = useDaemon();

/** Opens a session as Node's HTTP client does: with a chunked body that has only its last chunk, then HTTP/2's first frames. */
async function openSession(id: string): Promise<net.Socket> {
  const socket = net.connect(daemon.engine.socket);
  socket.on("error", () => {});
  const upgraded = new Promise<void>((resolve, reject) => {
    socket.once("data", (data) => {
      if (data.toString("latin1").startsWith("HTTP/1.1 101 ")) resolve();
      else reject(new Error(data.toString()));
    });
  });
  socket.write(
    `POST /session HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nX-Docker-Expose-Session-Uuid: ${id}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  );
  await upgraded;
  // SETTINGS, and the acknowledgement of the daemon's.
  socket.write(Buffer.from("000000040000000000000000040100000000", "hex"));
  return socket;
}

test("a session whose request ends with an empty chunk stays; the context is the build request's body", async () => {
  const folder = mkdtempSync(join(tmpdir(), "berth-node-build-"));
  const id = uniqueName("session");
  const tag = uniqueName("node-built");
  const session = await openSession(id);
  try {
    writeFileSync(join(folder, "Dockerfile"), "FROM scratch\nCOPY Dockerfile /\nLABEL by=node\n");
    await mustRun(["tar", "-C", folder, "-cf", join(folder, "context.tar"), "Dockerfile"]);
    const response = await fetch(`http://localhost/v1.41/build?version=2&session=${id}&t=${tag}`, {
      unix: daemon.engine.socket,
      method: "POST",
      headers: { "Content-Type": "application/x-tar" },
      body: Bun.file(join(folder, "context.tar")),
    });
    const progress = await response.text();
    expect(progress).not.toContain("errorDetail");
    expect(await daemon.ok("image", "inspect", "-f", "{{.Config.Labels.by}}", tag)).toBe("node");
    await daemon.ok("rmi", tag);
  } finally {
    session.destroy();
    rmSync(folder, { recursive: true, force: true });
  }
});

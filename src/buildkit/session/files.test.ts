import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createReceivedTree, readEntryText, type SourceEntry, type SourceTree } from "#builder";
import type { Message, ValueOf } from "#grpc";
import { goMode, packet, packetType } from "../messages/filesync.ts";
import { createKeptContents } from "./kept-contents.ts";
import { receiveFiles } from "./receive-files.ts";
import { sendTree } from "./send-files.ts";
import type { Session } from "./sessions.ts";

const folder = mkdtempSync(join(tmpdir(), "fsutil-"));
afterAll(() => rmSync(folder, { recursive: true }));

type Packet = Partial<ValueOf<typeof packet>>;

/** A pipe of encoded messages, as a stream of a call carries them. */
function pipe() {
  const waiting: Uint8Array[] = [];
  let wake = () => {};
  let ended = false;
  return {
    send: async (value: Packet) => {
      waiting.push(packet.encode(value));
      wake();
    },
    finish: () => {
      ended = true;
      wake();
    },
    messages: (async function* () {
      for (;;) {
        const next = waiting.shift();
        if (next !== undefined) yield packet.decode(next);
        else if (ended) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    })(),
  };
}

/** A session whose one stream is the given pair of pipes. */
function sessionOver(out: ReturnType<typeof pipe>, incoming: ReturnType<typeof pipe>): Session {
  const stream = { send: out.send, finish: out.finish, messages: incoming.messages, cancel: out.finish };
  return {
    id: "s",
    name: "",
    sharedKey: "",
    offers: () => true,
    signal: new AbortController().signal,
    client: {
      stream: (_path: string, _request: Message<unknown>) => stream,
      unary: () => Promise.reject(new Error("not here")),
      closed: new Promise(() => {}),
      close: () => {},
    } as unknown as Session["client"],
  };
}

const entry = (path: string, type: SourceEntry["type"], extra: Partial<SourceEntry> = {}) => ({
  path,
  type,
  mode: 0o644,
  uid: 1,
  gid: 2,
  sizeBytes: 0,
  mtimeSeconds: 1_700_000_000,
  mtimeNanoseconds: 123_456_789,
  linkTarget: "",
  deviceMajor: 0,
  deviceMinor: 0,
  attributes: new Map<string, Buffer>(),
  ...extra,
});

function read(tree: SourceTree, path: string): string {
  const found = tree.find(path);
  if (found === undefined) throw new Error(`no ${path}`);
  return readEntryText(tree, found);
}

const options = (name: string) => ({ spoolPath: join(folder, name), signal: new AbortController().signal });

describe("files of a client", () => {
  test("arrive as they were sent: names, modes, times, links, large and empty files", async () => {
    const { tree, add, content } = createReceivedTree({ spoolPath: join(folder, "source") });
    const put = (path: string, text: string, extra: Partial<SourceEntry> = {}) => {
      add(entry(path, "file", { sizeBytes: Buffer.byteLength(text), ...extra }));
      const writer = content(path);
      writer.write(Buffer.from(text));
      writer.end();
    };
    add(entry("dir", "directory", { mode: 0o1777 }));
    put("dir/a", "contents of a");
    put("dir/große", "ü", { mode: 0o4755 });
    add(entry("dir/z", "file", { linkTarget: "dir/a" }));
    put("empty", "");
    put("large", "x".repeat(5_000_000));
    add(entry("link", "symlink", { linkTarget: "dir/a", mode: 0o777 }));
    add(entry("pipe", "fifo"));

    const [there, back] = [pipe(), pipe()];
    const sending = sendTree(sessionOver(there, back), 0, tree, () => {}, options("x").signal);
    let progress = 0;
    const received = await receiveFiles(
      sessionOver(back, there),
      { name: "context" },
      { ...options("target"), progress: (bytes) => (progress = bytes) },
    );
    await sending;

    expect(received.list("").map(({ path, type }) => `${path} ${type}`)).toEqual([
      "dir directory",
      "empty file",
      "large file",
      "link symlink",
      "pipe fifo",
    ]);
    expect(received.find("dir")?.mode).toBe(0o1777);
    const special = received.list("dir").find(({ sizeBytes }) => sizeBytes === 2);
    expect(special?.mode).toBe(0o4755);
    expect(read(received, "dir/z")).toBe("contents of a");
    expect(received.find("dir/a")?.inodeKey).toBe(received.find("dir/z")?.inodeKey ?? "none");
    expect(received.find("link")?.linkTarget).toBe("dir/a");
    expect(received.find("dir/a")).toMatchObject({ mtimeSeconds: 1_700_000_000, mtimeNanoseconds: 123_456_789 });
    expect(read(received, "large").length).toBe(5_000_000);
    expect(progress).toBe(5_000_000 + 13 + 2);
    received.close();
    tree.close();
  });

  test("are sent again only when they have changed since the last time", async () => {
    let time = 0;
    const contents = createKeptContents({ directory: join(folder, "kept"), maximumBytes: 3_000_000, now: () => time });
    type Files = Readonly<Record<string, readonly [text: string, seconds: number]>>;
    /** Sends files under a key; what arrives, and how many bytes of it were sent. */
    const transfer = async (files: Files, key = "a", fails = false) => {
      const source = createReceivedTree({ spoolPath: join(folder, "source") });
      for (const [path, [text, mtimeSeconds]] of Object.entries(files)) {
        source.add(entry(path, "file", { sizeBytes: Buffer.byteLength(text), mtimeSeconds }));
        const writer = source.content(path);
        writer.write(Buffer.from(text));
        writer.end();
      }
      source.add(entry("second", "file", { linkTarget: Object.keys(files)[0] ?? "" }));
      const kept = contents.open(key);
      const [there, back] = [pipe(), pipe()];
      const sending = sendTree(sessionOver(there, back), 0, source.tree, () => {}, options("x").signal);
      let sent = 0;
      try {
        const progress = (bytes: number) => {
          sent = bytes;
          if (fails) throw new Error("cut off");
        };
        const tree = await receiveFiles(sessionOver(back, there), { name: "c" }, { ...options("t"), kept, progress });
        const texts = Object.fromEntries(tree.list("").map(({ path }) => [path, read(tree, path)]));
        const digests = tree.list("").map((found) => tree.digest(found));
        tree.close();
        await sending;
        return { sent, texts, digests, wasKept: kept !== undefined };
      } finally {
        kept?.release();
        source.tree.close();
      }
    };
    const first = await transfer({ one: ["1".repeat(1_000_000), 1], two: ["22", 1] });
    expect(first.sent).toBe(1_000_002);
    const same = await transfer({ one: ["1".repeat(1_000_000), 1], two: ["22", 1] });
    expect(same).toEqual({ ...first, sent: 0 });
    const changed = await transfer({ one: ["1".repeat(1_000_000), 1], two: ["33", 2] });
    expect([changed.sent, changed.texts["two"], changed.texts["second"]?.length]).toEqual([2, "33", 1_000_000]);
    expect((await transfer({ one: ["1".repeat(1_000_000), 1] }, "b")).sent).toBe(1_000_000);
    // Another build has the directory: nothing is kept of this one.
    const held = contents.open("a");
    expect(await transfer({ two: ["33", 2] })).toMatchObject({ sent: 2, wasKept: false });
    held?.keep([]);
    held?.release();
    // What was cut off counts for nothing.
    expect(await transfer({ two: ["444", 3] }, "a", true).then(String, String)).toContain("cut off");
    expect((await transfer({ one: ["1".repeat(1_000_000), 1] })).sent).toBe(1_000_000);
    // Together too much: what was used longest ago goes.
    time = 1;
    expect((await transfer({ three: ["3".repeat(1_500_000), 1] }, "c")).sent).toBe(1_500_000);
    expect((await transfer({ three: ["3".repeat(1_500_000), 1] }, "c")).sent).toBe(0);
    const left = [
      await transfer({ one: ["1".repeat(1_000_000), 1] }, "b"),
      await transfer({ one: ["1".repeat(1_000_000), 1] }),
    ];
    expect(left.map(({ sent }) => sent).toSorted((a, b) => a - b)).not.toEqual([0, 0]);
    // After a while without a build everything goes.
    time = 3_600_000;
    contents.open("d")?.release();
    expect((await transfer({ three: ["3".repeat(1_500_000), 1] }, "c")).sent).toBe(1_500_000);
  });

  const hostile: readonly (readonly [string, readonly Packet[], string])[] = [
    ["a path that leads out", [{ status: { path: "../etc/passwd", mode: 0o644 } }], "no path below"],
    ["a file without its folder", [{ status: { path: "a/b", mode: 0o644 } }], "before its folder"],
    ["a link to nothing", [{ status: { path: "b", mode: 0o644, linkName: "a" } }], "no file before it"],
    ["a file nobody asked for", [{ type: packetType.DATA, id: 7, data: Buffer.from("x") }], "nobody asked"],
    [
      "more than was announced",
      [{ status: { path: "a", mode: 0o644, sizeBytes: 1 } }, { type: packetType.DATA, id: 0, data: Buffer.from("xx") }],
      "grew",
    ],
    ["an error of its own", [{ type: packetType.ERROR, data: Buffer.from("no such directory") }], "no such directory"],
  ];
  test.each(hostile)("are refused when the client sends %s", async (_name, packets, message) => {
    const [there, back] = [pipe(), pipe()];
    for (const one of packets) await there.send(one);
    expect(receiveFiles(sessionOver(back, there), { name: "context" }, options("hostile"))).rejects.toThrow(message);
  });

  test("sockets are passed over, and count in the numbers of files", async () => {
    const [there, back] = [pipe(), pipe()];
    await there.send({ status: { path: "a.sock", mode: goMode.SOCKET } });
    await there.send({ status: { path: "b", mode: 0o600, sizeBytes: 2 } });
    await there.send({});
    const received = receiveFiles(sessionOver(back, there), { name: "context" }, options("sockets"));
    for await (const { type, id } of back.messages) {
      if (type === packetType.REQUEST) {
        expect(id).toBe(1);
        await there.send({ type: packetType.DATA, id, data: Buffer.from("ok") });
        await there.send({ type: packetType.DATA, id });
      } else if (type === packetType.FINISH) {
        await there.send({ type: packetType.FINISH });
        there.finish();
        break;
      }
    }
    const tree = await received;
    expect(tree.list("").map(({ path }) => path)).toEqual(["b"]);
    expect(read(tree, "b")).toBe("ok");
  });

  test("a client without the service is told of it", () => {
    mkdirSync(folder, { recursive: true });
    const session = { ...sessionOver(pipe(), pipe()), offers: () => false };
    expect(receiveFiles(session, { name: "context" }, options("none"))).rejects.toThrow("does not offer");
  });
});

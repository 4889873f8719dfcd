import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, createGzip, gzipSync, zstdCompressSync } from "node:zlib";
import { EngineError, silentLogger } from "#base";
import { openDatabase } from "#db";
import { type ImageStore, openImageStore } from "#images";
import { closeFd, findAttributeAt, openDirectory } from "#linux";
import { encodeTarHeader, plainTarHeader, tarEnd, tarPaddingOf } from "#wire";
import { type Member, tarOf } from "./archives.ts";
import { failureOf } from "./failure-of.ts";

/* Archives that lie about themselves or want too much: refused in words, with nothing left and little memory used. */

const root = mkdtempSync(join(tmpdir(), "berth-limits-"));
let store: ImageStore;
beforeAll(() => {
  store = openImageStore({ dataRoot: root, database: openDatabase(":memory:"), logger: silentLogger });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function* stream(...pieces: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}
const apply = (...pieces: Uint8Array[]) => store.layers.apply(stream(...pieces));
const file = (path: string, text = "text"): Member => ({ path, type: "file", text });

/** A header with some of its bytes changed, and the checksum made right again. */
function forged(member: Member, change: (block: Buffer) => void): Buffer {
  const block = Buffer.from(encodeTarHeader(plainTarHeader({ sizeBytes: 0, ...member }))).subarray(0, 512);
  change(block);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, new Uint8Array(tarPaddingOf(bytes.length))]);
}

function paxRecord(key: string, value: string): Buffer {
  const rest = key.length + Buffer.byteLength(value) + 3;
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return Buffer.from(`${length} ${key}=${value}\n`);
}

/** A PAX header with these records before a member with a payload. */
function withPax(records: readonly (readonly [string, string])[], payload = "", flag = "x"): Buffer {
  const data = Buffer.concat(records.map(([key, value]) => paxRecord(key, value)));
  const head = forged(file("pax"), (block) => {
    block.write(`${data.length.toString(8).padStart(11, "0")}\0`, 124);
    block.write(flag, 156);
  });
  const member = forged(file("f"), (block) => block.write(`${payload.length.toString(8).padStart(11, "0")}\0`, 124));
  return Buffer.concat([head, padded(data), member, padded(Buffer.from(payload)), tarEnd]);
}

/** GNU's sparse header with these pieces in it. */
function gnuSparse(realBytes: number, pieces: readonly (readonly [number, number])[], payloadBytes: number): Buffer {
  const octal = (value: number) => `${value.toString(8).padStart(11, "0")}\0`;
  return Buffer.concat([
    forged(file("sparse"), (block) => {
      block.write("S", 156);
      block.write("ustar  \0", 257);
      block.write(octal(payloadBytes), 124);
      for (const [index, [offset, length]] of pieces.entries()) {
        block.write(octal(offset), 386 + index * 24);
        block.write(octal(length), 386 + index * 24 + 12);
      }
      block.write(octal(realBytes), 483);
    }),
    padded(Buffer.alloc(payloadBytes, "x")),
    tarEnd,
  ]);
}

const sizeOf = (value: bigint) => (block: Buffer) => {
  block.writeUInt8(0x80, 124);
  block.writeUIntBE(0, 125, 3);
  block.writeBigUInt64BE(value, 128);
};

describe("archives that lie", () => {
  test.each<[string, Buffer]>([
    ["a member longer than the archive", forged(file("f"), sizeOf(8n * 1024n ** 3n))],
    ["a member of 2^62 bytes", forged(file("f"), sizeOf(2n ** 62n))],
    ["a member of negative size", forged(file("f"), (block) => block.fill(0xff, 124, 136))],
    ["a size that is no number", forged(file("f"), (block) => block.write("99999999999", 124))],
    ["a PAX size beyond the archive", withPax([["size", "999999999999"]])],
    ["a PAX size that is no number", withPax([["size", "1e9"]])],
    ["a PAX header of 2 GB", forged(file("pax"), (block) => (block.write("x", 156), sizeOf(2n ** 31n)(block)))],
    ["a GNU name of 2 GB", forged(file("long"), (block) => (block.write("L", 156), sizeOf(2n ** 31n)(block)))],
    ["a GNU link of 2 GB", forged(file("long"), (block) => (block.write("K", 156), sizeOf(2n ** 31n)(block)))],
    ["a wrong checksum", Buffer.concat([Buffer.alloc(512, "x"), tarEnd])],
    [
      "a member after the end",
      Buffer.concat([tarOf([file("a")]).subarray(0, 1024), Buffer.alloc(512), forged(file("b"), () => {}), tarEnd]),
    ],
    ["an owner of 2^40", withPax([["uid", String(2 ** 40)]])],
    ["a time that is none", withPax([["mtime", "soon"]])],
    ["an attribute of a megabyte", withPax([["SCHILY.xattr.user.large", "x".repeat(1_100_000)]])],
    [
      "a sparse map out of order",
      gnuSparse(
        8192,
        [
          [4096, 512],
          [0, 512],
        ],
        1024,
      ),
    ],
    [
      "a sparse map that overlaps",
      gnuSparse(
        8192,
        [
          [0, 1024],
          [512, 512],
        ],
        1536,
      ),
    ],
    ["a sparse map beyond the file", gnuSparse(100, [[0, 512]], 512)],
    ["a sparse map of more than the payload", gnuSparse(8192, [[0, 4096]], 512)],
    [
      "a sparse file of 8 TB",
      withPax(
        [
          ["GNU.sparse.major", "1"],
          ["GNU.sparse.minor", "0"],
          ["GNU.sparse.realsize", "8796093022208"],
        ],
        `0\n`.padEnd(512, "\0"),
      ),
    ],
    ["a sparse file without a size", withPax([["GNU.sparse.map", "0,1"]], "x")],
    [
      "a sparse map that is not there",
      withPax(
        [
          ["GNU.sparse.major", "1"],
          ["GNU.sparse.minor", "0"],
          ["GNU.sparse.realsize", "100"],
        ],
        "9\n",
      ),
    ],
    [
      "a sparse map of words",
      withPax(
        [
          ["GNU.sparse.major", "1"],
          ["GNU.sparse.minor", "0"],
          ["GNU.sparse.realsize", "100"],
        ],
        "many\n".padEnd(512, "\0"),
      ),
    ],
    [
      "a sparse map of a million pieces",
      withPax([
        ["GNU.sparse.size", "2000000"],
        ["GNU.sparse.map", Array.from({ length: 70_000 }, (_, index) => `${index},0`).join(",")],
      ]),
    ],
    [
      "a sparse map without an end",
      withPax(
        [
          ["GNU.sparse.major", "1"],
          ["GNU.sparse.minor", "0"],
          ["GNU.sparse.realsize", "9"],
        ],
        "1".repeat(1024),
      ),
    ],
    ["half a gzip", gzipSync(tarOf([file("f", "x".repeat(10_000))])).subarray(0, 60)],
    [
      "a gzip with a wrong checksum",
      ((packed) => (packed.writeUInt32LE(1, packed.length - 8), packed))(gzipSync(tarOf([file("f")]))),
    ],
    ["half a zstd", zstdCompressSync(tarOf([file("f", "x".repeat(10_000))])).subarray(0, 40)],
    ["a zstd with a window of 2 GB", Buffer.from("28b52ffd0050" + "a8".padEnd(60, "0"), "hex")],
    ["nothing but an xz header", Buffer.from("fd377a585a000004e6d6b446", "hex")],
  ])("%s is refused, and nothing of it stays", async (_what, archive) => {
    const before = store.layers.list().length;
    const error = await apply(archive).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EngineError);
    expect((error as EngineError).kind).toBe("invalid");
    expect(store.layers.list().length).toBe(before);
    expect(readdirSync(join(root, "tmp"))).toEqual([]);
  });

  test("corrupt layers at once do not keep a good one out", async () => {
    const good = tarOf([file("good", "good".repeat(5000))]);
    const pack = (program: string) => spawnSync(program, ["-c"], { input: good }).stdout;
    const broken = ["xz", "bzip2", "gzip", "zstd"].flatMap((program) => {
      const packed = Buffer.from(pack(program));
      packed.fill(0, packed.length >> 1, (packed.length >> 1) + 8);
      return [packed, packed.subarray(0, packed.length >> 1)];
    });
    const settled = await Promise.allSettled([...broken, ...broken].map((bytes) => apply(bytes)));
    expect(settled.map(({ status }) => status)).toEqual(settled.map(() => "rejected"));
    for (const program of ["xz", "bzip2", "gzip", "zstd"]) await apply(pack(program));
  });
});

describe("archives that want much", () => {
  const peakOf = async (work: () => Promise<unknown>): Promise<number> => {
    Bun.gc(true);
    const before = process.memoryUsage.rss();
    let peak = before;
    const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 5);
    await work();
    clearInterval(timer);
    return Math.max(peak, process.memoryUsage.rss()) - before;
  };

  test("a gzip of 200 MB of zeros, in bounded memory", async () => {
    const size = 200 * 1024 * 1024;
    const head = forged(file("zeros"), (block) => block.write(`${size.toString(8).padStart(11, "0")}\0`, 124));
    const packer = createGzip({ level: constants.Z_BEST_SPEED });
    const packed: Buffer[] = [];
    packer.on("data", (data: Buffer) => packed.push(data));
    const ended = new Promise((resolve) => packer.once("end", resolve));
    packer.write(head);
    const zeros = Buffer.alloc(4 * 1024 * 1024);
    for (let done = 0; done < size; done += zeros.length) {
      if (!packer.write(zeros)) await new Promise((resolve) => packer.once("drain", resolve));
    }
    packer.end(tarEnd);
    await ended;
    expect(packed.reduce((sum, piece) => sum + piece.length, 0)).toBeLessThan(5_000_000);
    // It promises to be another layer, so that nothing of it stays.
    const expected = `sha256:${"0".repeat(64)}`;
    const used = await peakOf(async () => {
      expect(await failureOf(store.layers.apply(stream(...packed), { expected }))).toContain(
        "does not match its digest",
      );
    });
    expect(used).toBeLessThan(150 * 1024 * 1024);
    expect(readdirSync(join(root, "tmp"))).toEqual([]);
  }, 60_000);

  test("20,000 members without contents, in bounded memory", async () => {
    const one = Buffer.from(encodeTarHeader(plainTarHeader({ path: "same", type: "file", sizeBytes: 0 })));
    const many = Buffer.concat(Array.from({ length: 1000 }, () => one));
    const used = await peakOf(() => apply(...Array.from({ length: 20 }, () => many), tarEnd));
    expect(used).toBeLessThan(100 * 1024 * 1024);
  }, 60_000);
});

test("what a file is besides its bytes is kept: attributes, capabilities, modes, owners, times", async () => {
  // VFS_CAP_REVISION_2, cap_net_bind_service permitted and effective (capabilities(7)).
  const capability = Buffer.from("0100000200040000000000000000000000000000", "hex");
  const attributes = new Map([
    ["security.capability", capability],
    ["user.note", Buffer.from("a\0b")],
  ]);
  const { diffId } = await apply(
    tarOf([
      {
        ...file("bin/tool"),
        mode: 0o4755,
        uid: 12,
        gid: 34,
        attributes,
        mtimeSeconds: 1_700_000_000,
      },
      { path: "dir", type: "directory", mode: 0o1777, uid: 5, gid: 6, mtimeSeconds: 1_500_000_000 },
      { ...file("dir/old"), mtimeSeconds: -86_400 },
      { ...file("dir/late"), mtimeSeconds: 7_000_000_000 },
      { path: "link", type: "symlink", linkPath: "dir", uid: 7, gid: 8, mtimeSeconds: 1_600_000_000 },
      {
        path: "hard",
        type: "hardlink",
        linkPath: "bin/tool",
        mode: 0o4755,
        uid: 12,
        gid: 34,
        mtimeSeconds: 1_700_000_000,
      },
      { path: "null", type: "character", mode: 0o666, deviceMajor: 1, deviceMinor: 3 },
      { path: "fifo", type: "fifo", mode: 0o600 },
    ]),
  );
  const diff = store.layers.directoryOf(diffId);
  const tool = lstatSync(join(diff, "bin/tool"), { bigint: true });
  expect([tool.mode & 0o7777n, tool.uid, tool.gid, tool.nlink]).toEqual([0o4755n, 12n, 34n, 2n]);
  expect(tool.mtimeNs).toBe(1_700_000_000_000_000_000n);
  const precise = await apply(withPax([["mtime", "1700000000.123456789"]], "x"));
  expect(lstatSync(join(store.layers.directoryOf(precise.diffId), "f"), { bigint: true }).mtimeNs).toBe(
    1_700_000_000_123_456_789n,
  );
  const fd = openDirectory(diff);
  expect(findAttributeAt(fd, "bin/tool", "security.capability")).toEqual(capability);
  expect(findAttributeAt(fd, "hard", "user.note")).toEqual(Buffer.from("a\0b"));
  closeFd(fd);
  const directory = lstatSync(join(diff, "dir"));
  expect([directory.mode & 0o7777, directory.uid, directory.mtimeMs]).toEqual([0o1777, 5, 1_500_000_000_000]);
  expect(lstatSync(join(diff, "dir/old")).mtimeMs).toBe(-86_400_000);
  expect(lstatSync(join(diff, "dir/late")).mtimeMs).toBe(7_000_000_000_000);
  expect([lstatSync(join(diff, "link")).uid, lstatSync(join(diff, "link")).mtimeMs]).toEqual([7, 1_600_000_000_000]);
  expect(lstatSync(join(diff, "null")).rdev).toBe(0x103);
  expect(lstatSync(join(diff, "fifo")).isFIFO()).toBe(true);
  expect(readFileSync(join(diff, "hard"), "utf8")).toBe("text");
});

test("the header of a hard link holds for the file that it shares, as with Docker", async () => {
  const attributes = new Map([["user.note", Buffer.from("of the link")]]);
  const { diffId } = await apply(
    tarOf([
      { ...file("tool"), mode: 0o4755, uid: 1, gid: 1, mtimeSeconds: 1_600_000_000 },
      {
        path: "hard",
        type: "hardlink",
        linkPath: "tool",
        mode: 0o2750,
        uid: 5,
        gid: 6,
        attributes,
        mtimeSeconds: 1_700_000_000,
      },
      { path: "link", type: "symlink", linkPath: "tool", uid: 7, gid: 7 },
      { path: "hard-link", type: "hardlink", linkPath: "link", mode: 0o777, uid: 8, gid: 8 },
    ]),
  );
  const diff = store.layers.directoryOf(diffId);
  const tool = lstatSync(join(diff, "tool"));
  expect([tool.mode & 0o7777, tool.uid, tool.gid, tool.nlink, tool.mtimeMs]).toEqual([
    0o2750, 5, 6, 2, 1_700_000_000_000,
  ]);
  const fd = openDirectory(diff);
  expect(findAttributeAt(fd, "tool", "user.note")).toEqual(Buffer.from("of the link"));
  closeFd(fd);
  // Of a symbolic link the owner, and nothing of what it points to.
  expect([lstatSync(join(diff, "link")).uid, lstatSync(join(diff, "link")).isSymbolicLink()]).toEqual([8, true]);
});

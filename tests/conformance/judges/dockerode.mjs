// The calls of dockerode, one after the other, as its own test-suite makes them. Run with Node.
import { once } from "node:events";
import { Socket } from "node:net";
import { PassThrough, Readable } from "node:stream";
import Docker from "dockerode";
import { collect, expect, step } from "./steps.mjs";

const docker = new Docker({ socketPath: process.argv[2] });
const image = "busybox";
const sleeper = { Image: image, Tty: true, Cmd: ["sleep", "1000"] };
let box;

const tar = (name, text) => {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${text.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const body = Buffer.alloc(Math.ceil(text.length / 512) * 512);
  body.write(text);
  return Buffer.concat([header, body, Buffer.alloc(1024)]);
};

/** Calls `method` of `target` with a callback, as half of dockerode's users do. */
const called = (target, method, ...words) =>
  new Promise((resolve, reject) => target[method](...words, (error, data) => (error ? reject(error) : resolve(data))));

const failure = async (work) => {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
};

await step("ping, version, info, df", async () => {
  expect(String(await docker.ping()) === "OK", "no OK");
  expect((await docker.version()).ApiVersion >= "1.41", await docker.version());
  expect((await docker.info()).OSType === "linux", "os");
  expect(Array.isArray((await docker.df()).Images), "df");
});

await step("create, inspect with callback, options and promise", async () => {
  box = await called(docker, "createContainer", sleeper);
  expect((await called(box, "inspect")).Id === box.id, "inspect");
  expect((await called(box, "inspect", {})).Config.Tty === true, "tty");
  expect((await box.inspect({ size: true })).SizeRootFs > 0, "size");
});

await step("archive: put before the start, info, get", async () => {
  await box.putArchive(tar("put", "content"), { path: "/root" });
  const info = await called(box, "infoArchive", { path: "/root/put" });
  const stat = JSON.parse(Buffer.from(info.headers["x-docker-container-path-stat"], "base64").toString());
  expect(stat.name === "put" && stat.size === 7, stat);
  expect((await collect(await box.getArchive({ path: "/root/put" }))).includes("content"), "archive");
  expect((await failure(() => box.getArchive({ path: "/nothing" }))).statusCode === 404, "missing");
});

await step("start, a second start is 304, resize, update, stats", async () => {
  await box.start();
  expect((await failure(() => box.start())).statusCode === 304, "304");
  await box.resize({ h: 40, w: 100 });
  await box.update({ CpuShares: 512 });
  expect((await box.inspect()).HostConfig.CpuShares === 512, "update");
  const stream = await box.stats();
  const [first] = await once(stream, "data");
  expect(JSON.parse(first).memory_stats.usage > 0, "stats");
  stream.destroy();
  expect((await box.stats({ stream: false })).precpu_stats.system_cpu_usage > 0, "precpu");
});

await step("attach with a terminal: 1000 bytes in", async () => {
  const container = await docker.createContainer({
    Image: image,
    Tty: true,
    OpenStdin: true,
    AttachStdin: true,
    Cmd: ["wc", "-c"],
  });
  const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true });
  let output = "";
  stream.on("data", (chunk) => (output += chunk.toString()));
  const ended = once(stream, "end");
  await container.start();
  stream.write(`${"x".repeat(1000)}\n\x04`);
  await container.wait();
  await ended;
  expect(Number(output.slice(1002)) === 1001, output);
  await container.remove();
});

for (const hijack of [false, true])
  await step(`attach without a terminal, standard input, ${hijack ? "hijacked" : "as a request"}`, async () => {
    const container = await docker.createContainer({ Image: image, OpenStdin: true, StdinOnce: true, Cmd: ["sh"] });
    const stream = await container.attach({ stream: true, hijack, stdin: true, stdout: true, stderr: true });
    expect(stream instanceof Socket === hijack, "kind of stream");
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    container.modem.demuxStream(stream, stdout, stderr);
    const ended = once(stream, "end");
    await container.start();
    stream.write("echo out; echo err >&2; exit 3\n");
    expect((await container.wait()).StatusCode === 3, "code");
    await ended;
    stdout.end();
    stderr.end();
    expect((await collect(stdout)).toString() === "out\n", "stdout");
    expect((await collect(stderr)).toString() === "err\n", "stderr");
    await container.remove();
  });

await step("logs: as a stream that is followed, and whole", async () => {
  const container = await docker.createContainer({ Image: image, Cmd: ["sh", "-c", "echo one; echo two >&2"] });
  await container.start();
  const followed = await container.logs({ follow: true, stdout: true, stderr: true, timestamps: true });
  const text = (await collect(followed)).toString();
  expect(/\dZ one\n/.test(text) && /\dZ two\n/.test(text), text);
  expect((await container.logs({ stdout: true })).includes("one\n"), "whole");
  await container.remove({ force: true });
});

await step("exec: its output, its code, and a hijacked one with half-close", async () => {
  const container = await docker.createContainer({ Image: image, Cmd: ["sleep", "1000"] });
  await container.start();
  const exec = await container.exec({ Cmd: ["sh", "-c", "echo foo; exit 5"], AttachStdout: true });
  expect((await collect(await exec.start({}))).subarray(8).toString() === "foo\n", "output");
  const inspected = await exec.inspect();
  expect(inspected.ExitCode === 5 && !inspected.Running, inspected);
  const cat = await container.exec({ Cmd: ["cat"], AttachStdin: true, AttachStdout: true });
  const stream = await cat.start({ hijack: true, stdin: true });
  expect(stream instanceof Socket, "socket");
  const sample = "echo\nall\nof\nme\n";
  stream.end(sample);
  const out = await collect(stream);
  expect(out.readUInt8(0) === 1 && out.readUInt32BE(4) === sample.length, out.toString());
  expect(out.toString("utf8", 8) === sample, out.toString());
  await container.remove({ force: true });
});

await step("restart, export, top, changes, rename, pause", async () => {
  await box.restart({ t: 0 });
  const exported = await box.export();
  await once(exported, "data");
  exported.destroy();
  expect((await box.top()).Processes.length === 1, "top");
  expect((await box.top({ ps_args: "-o pid,args" })).Titles.join() === "PID,COMMAND", "ps_args");
  await box.putArchive(tar("changed", "x"), { path: "/tmp" });
  expect(
    (await box.changes()).some(({ Path, Kind }) => Path === "/tmp/changed" && Kind === 1),
    "changes",
  );
  await box.rename({ name: "judged" });
  expect((await docker.getContainer("judged").inspect()).Name === "/judged", "name");
  await box.pause();
  await box.unpause();
});

await step("commit, history, tag, get, remove of an image", async () => {
  const { Id } = await box.commit({ repo: "judge", tag: "v1", comment: "by dockerode", changes: ["ENV A=b"] });
  const committed = docker.getImage("judge:v1");
  expect((await committed.inspect()).Id === Id, "id");
  expect((await committed.inspect()).Config.Env.includes("A=b"), "changes");
  expect((await committed.history())[0].Comment === "by dockerode", "history");
  await committed.tag({ repo: "judge", tag: "v2" });
  expect((await collect(await committed.get())).length > 100_000, "get");
  expect((await docker.getImage("judge:v2").remove()).length === 1, "untag");
  expect(
    (await committed.remove()).some(({ Deleted }) => Deleted === Id),
    "delete",
  );
});

await step("build from a stream, followProgress", async () => {
  const context = tar("Dockerfile", "FROM busybox\nRUN echo built > /built\nLABEL by=judge\n");
  for (const file of [Readable.from([context]), Readable.from([context])]) {
    const stream = await docker.buildImage(file, { t: "judged-build" });
    const output = await new Promise((resolve, reject) =>
      docker.modem.followProgress(stream, (error, result) => (error ? reject(error) : resolve(result))),
    );
    expect(
      output.some(({ aux }) => aux?.ID?.startsWith("sha256:")),
      output,
    );
  }
  const broken = await docker.buildImage(Readable.from([tar("Dockerfile", "FROM busybox\nRUN exit 4\n")]), {});
  const records = await new Promise((resolve, reject) =>
    docker.modem.followProgress(broken, (problem, result) => (problem ? reject(problem) : resolve(result))),
  );
  expect(/non-zero code: 4/.test(records.at(-1).error) && records.at(-1).errorDetail.code === 4, records.at(-1));
  await docker.getImage("judged-build").remove();
});

await step("run: output, options, its own events", async () => {
  const output = new PassThrough();
  const [result, container] = await docker.run(image, ["uname", "-s"], output, { Tty: true });
  expect(result.StatusCode === 0, result);
  expect(output.read().toString().startsWith("Linux"), "output");
  await container.remove();
  const readOnly = await docker.run(image, ["true"], new PassThrough(), { HostConfig: { ReadonlyRootfs: true } });
  expect((await readOnly[1].inspect()).HostConfig.ReadonlyRootfs === true, "read-only");
  await readOnly[1].remove();
});

await step("lists with filters in dockerode's form", async () => {
  const filters = { label: ["judge=yes"], status: ["created"] };
  const container = await docker.createContainer({ Image: image, name: "labelled", Labels: { judge: "yes" } });
  expect((await docker.listContainers({ all: 1, filters })).length === 1, "containers");
  expect((await docker.listContainers({ all: 1, filters: JSON.stringify(filters) })).length === 1, "as text");
  await container.remove();
  expect((await docker.listImages({ all: 1 })).length > 0, "images");
});

await step("events since a moment, and live", async () => {
  const past = await docker.getEvents({
    since: Math.floor(Date.now() / 1000) - 60,
    until: Math.floor(Date.now() / 1000),
  });
  expect((await collect(past)).toString().split("\n").length > 5, "past");
  const live = await docker.getEvents({ filters: { event: ["create"] } });
  const container = await docker.createContainer({ Image: image });
  const [event] = await once(live, "data");
  expect(JSON.parse(event).Actor.ID === container.id, event.toString());
  live.destroy();
  await container.remove();
});

await step("volumes", async () => {
  const volume = await docker.createVolume({ Name: "judged", Labels: { a: "b" } });
  expect((await docker.getVolume("judged").inspect()).Labels.a === "b", "labels");
  expect((await docker.listVolumes({ filters: { name: ["judged"] } })).Volumes.length === 1, "list");
  await (volume.remove === undefined ? docker.getVolume("judged") : volume).remove();
  expect((await failure(() => docker.getVolume("judged").inspect())).statusCode === 404, "gone");
});

await step("networks: create with a pool, connect, inspect, disconnect, remove", async () => {
  const network = await docker.createNetwork({
    Name: "judged",
    Driver: "bridge",
    IPAM: { Config: [{ Subnet: "10.213.0.0/16", IPRange: "10.213.10.0/24", Gateway: "10.213.10.11" }] },
  });
  await network.connect({ Container: box.id });
  const { Containers } = await network.inspect();
  expect(/^10\.213\.10\.\d+\/16$/.test(Containers[box.id].IPv4Address), Containers);
  await network.disconnect({ Container: box.id });
  expect(Object.keys((await network.inspect()).Containers).length === 0, "left");
  await network.remove();
});

await step("kill, wait, remove, prune; errors have the status and the reason", async () => {
  const waited = box.wait();
  await box.kill();
  expect((await waited).StatusCode === 137, "code");
  await box.remove({ v: true });
  const error = await failure(() => box.inspect());
  expect(error.statusCode === 404 && /no such container/i.test(error.json.message), error.message);
  expect((await failure(() => docker.createContainer({ Image: "nowhere/nothing:v9" }))).statusCode === 404, "image");
  expect(Array.isArray((await docker.pruneContainers()).ContainersDeleted ?? []), "prune");
  expect((await failure(() => docker.swarmInspect())).statusCode === 503, "swarm");
});
// dockerode leaves the answers of HEAD unread, and their connections open.
process.exit(0);

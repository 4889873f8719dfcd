import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun, runCommand } from "../engines/command.ts";
import { useDaemon } from "./daemon.ts";

const daemon = useDaemon();

const python = "/usr/bin/python3";
const present = (await runCommand([python, "-c", "import docker"])).exitCode === 0;
if (!present) console.log("skipped: docker-py is not installed (apt-get install python3-docker)");

const runIn = (program: string, ...words: string[]) =>
  mustRun([python, "-c", program, daemon.engine.host, ...words], { environment: daemon.environment });

test.if(present)("docker-py builds, creates, starts, waits, reads logs and removes", async () => {
  const folder = join(daemon.directory, "context");
  mkdirSync(folder);
  writeFileSync(join(folder, "Dockerfile"), 'FROM busybox\nCOPY message /message\nCMD ["cat", "/message"]\n');
  writeFileSync(join(folder, "message"), "built by docker-py\n");
  const output = await runIn(
    `
import docker, sys
client = docker.DockerClient(base_url=sys.argv[1])
image, log = client.images.build(path=sys.argv[2], tag="from-python:v1")
assert "from-python:v1" in image.tags, image.tags
container = client.containers.create("from-python:v1", name="py")
container.start()
result = container.wait()
assert result["StatusCode"] == 0, result
print(container.logs().decode(), end="")
container.remove()
try:
    client.containers.get("py")
    raise SystemExit("still there")
except docker.errors.NotFound:
    pass
client.images.remove("from-python:v1")
`,
    folder,
  );
  expect(output).toBe("built by docker-py\n");
});

test.if(present)("docker-py with a stream attached", async () => {
  const output = await runIn(`
import docker, sys
client = docker.DockerClient(base_url=sys.argv[1])
container = client.containers.create("busybox", ["sh", "-c", "for i in 1 2 3; do echo line $i; sleep 0.1; done"])
stream = container.attach(stream=True, stdout=True, stderr=True, logs=True)
container.start()
print(b"".join(stream).decode(), end="")
print(container.wait()["StatusCode"])
container.remove()
`);
  expect(output).toBe("line 1\nline 2\nline 3\n0\n");
});

test.if(present)("docker-py writes to standard input through a socket", async () => {
  const output = await runIn(`
import docker, sys, socket
client = docker.DockerClient(base_url=sys.argv[1])
container = client.containers.create("busybox", ["cat"], stdin_open=True)
sock = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
container.start()
sock._sock.sendall(b"typed\\n")
sock._sock.shutdown(socket.SHUT_WR)
data = b""
import time
container.stop(timeout=0)
print(container.logs().decode(), end="")
sock.close()
container.remove(force=True)
`);
  expect(output).toBe("typed\n");
});

test.if(present)("docker-py: run, exec, stats, events, archives, networks, volumes, errors", async () => {
  const output = await runIn(`
import docker, sys, io, tarfile
client = docker.DockerClient(base_url=sys.argv[1])
assert client.ping()
print(client.containers.run("busybox", "echo run", remove=True).decode(), end="")
box = client.containers.run("busybox", "sleep 1000", detach=True, name="box", labels={"a": "b"}, mem_limit="64m", ports={"80/tcp": None}, volumes={"pyvol": {"bind": "/v", "mode": "rw"}})
code, out = box.exec_run("sh -c 'echo exec; exit 3'")
print(code, out.decode(), end="")
code, streams = box.exec_run("sh -c 'echo o; echo e >&2'", demux=True)
print(streams)
data = io.BytesIO(); tar = tarfile.open(fileobj=data, mode="w"); info = tarfile.TarInfo("put"); info.size = 3; tar.addfile(info, io.BytesIO(b"put")); tar.close()
assert box.put_archive("/tmp", data.getvalue())
bits, stat = box.get_archive("/tmp/put")
print(stat["name"], stat["size"])
print(box.stats(stream=False)["memory_stats"]["limit"])
box.reload()
print(box.status, [c.name for c in client.containers.list(filters={"label": "a=b"})])
box.update(mem_limit="32m", memswap_limit="64m")
box.pause(); box.unpause(); box.restart(timeout=0)
print(box.top()["Titles"][0])
try:
    client.images.get("nothing:here"); print("found?")
except docker.errors.ImageNotFound as error:
    print("ImageNotFound")
try:
    client.containers.run("busybox", "false", remove=True)
except docker.errors.ContainerError as error:
    print("ContainerError", error.exit_status)
box.remove(force=True)
client.volumes.get("pyvol").remove()
network = client.networks.create("pynet"); print(network.name); network.remove()
`);
  expect(output.split("\n")).toEqual([
    "run",
    "3 exec",
    "(b'o\\n', b'e\\n')",
    "put 3",
    "67108864",
    "running ['box']",
    "UID",
    "ImageNotFound",
    "ContainerError 1",
    "pynet",
    "",
  ]);
});

test.if(present)("docker-py: a log that is followed, an exec with a socket, and errors by their classes", async () => {
  const output = await runIn(`
import docker, sys, io, tarfile
client = docker.DockerClient(base_url=sys.argv[1])
box = client.containers.run("busybox", ["sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.1; done"], detach=True, name="followed")
print(b"".join(box.logs(stream=True, follow=True)))
print(box.wait()["StatusCode"])
for attempt in (lambda: client.containers.create("busybox", name="followed"), lambda: box.exec_run("true")):
    try:
        attempt()
    except docker.errors.APIError as error:
        print(error.status_code, error.explanation.split(" ")[0])
for attempt in (lambda: box.get_archive("/nothing"), lambda: client.containers.get("nothing"), lambda: client.networks.get("nothing")):
    try:
        attempt()
    except docker.errors.NotFound as error:
        print(type(error).__name__, error.status_code)
try:
    client.images.get("nothing:here")
except docker.errors.ImageNotFound as error:
    print(type(error).__name__)
try:
    client.images.build(fileobj=io.BytesIO(b"FROM busybox\\nRUN exit 3\\n"))
except docker.errors.BuildError as error:
    print(error.msg)
try:
    client.images.build(fileobj=io.BytesIO(b"FROM busybox\\nRUM x\\n"))
except docker.errors.APIError as error:
    print(error.status_code, "line 2" in error.explanation, "RUM" in error.explanation)
box.remove()
box = client.containers.create("busybox", ["sh"], tty=True, stdin_open=True)
box.start()
box.resize(30, 40)
sock = box.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
sock._sock.sendall(b"stty size; exit\\n")
data = b""
while True:
    chunk = sock._sock.recv(1000)
    if not chunk:
        break
    data += chunk
print(b"30 40" in data)
sock.close()
box.remove(force=True)
`);
  expect(output.split("\n")).toEqual([
    "b'1\\n2\\n3\\n'",
    "0",
    "409 Conflict.",
    "409 container",
    "NotFound 404",
    "NotFound 404",
    "NotFound 404",
    "ImageNotFound",
    "The command '/bin/sh -c exit 3' returned a non-zero code: 3",
    "400 True True",
    "True",
    "",
  ]);
});

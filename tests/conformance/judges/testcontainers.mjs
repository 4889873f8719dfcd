// What users of testcontainers do: containers with wait strategies, copies, commands, logs, networks. Run with Node.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GenericContainer, Network, Wait } from "testcontainers";
import { collect, expect, step } from "./steps.mjs";

const image = "busybox:latest";
const started = [];
const start = async (container) => {
  const running = await container.start();
  started.push(running);
  return running;
};
let web;

await step("a container whose log is waited for, its port, a file put into it", async () => {
  web = await start(
    new GenericContainer(image)
      .withExposedPorts(8080)
      .withCommand([
        "sh",
        "-c",
        "mkdir /www; echo hello > /www/index.html; httpd -p 8080 -h /www; echo ready; sleep 1000",
      ])
      .withWaitStrategy(Wait.forLogMessage("ready"))
      .withEnvironment({ A: "b" })
      .withLabels({ judged: "yes" })
      .withCopyContentToContainer([{ content: "copied", target: "/copied" }]),
  );
  const response = await fetch(`http://${web.getHost()}:${web.getMappedPort(8080)}/`);
  expect((await response.text()) === "hello\n", response.status);
});

await step("exec: streams apart, code, user, directory, environment", async () => {
  const failed = await web.exec(["sh", "-c", "echo out; echo err >&2; exit 3"]);
  expect(failed.exitCode === 3 && failed.stdout === "out\n" && failed.stderr === "err\n", failed);
  const other = await web.exec(["sh", "-c", "echo $A $Z; pwd; id -u"], {
    workingDir: "/tmp",
    user: "1",
    env: { Z: "z" },
  });
  expect(other.stdout === "b z\n/tmp\n1\n", other);
  expect((await web.exec(["cat", "/copied"])).output === "copied", "copied");
});

await step("copies while it runs, both ways", async () => {
  await web.copyContentToContainer([{ content: "late", target: "/tmp/late" }]);
  expect((await collect(await web.copyArchiveFromContainer("/tmp/late"))).includes("late"), "archive");
});

await step("logs, restart, commit, stop", async () => {
  const logs = await web.logs();
  const text = await new Promise((resolve) => logs.on("data", (chunk) => resolve(chunk.toString())));
  expect(text.includes("ready"), text);
  logs.destroy();
  const id = await web.commit({ repo: "judged-commit", tag: "v1", deleteOnExit: false });
  expect(id.startsWith("sha256:"), id);
  await web.restart({ timeout: 0 });
  await web.stop({ timeout: 0 });
});

await step("waits: ports, a command, HTTP, health, one shot", async () => {
  const server = () => new GenericContainer(image).withCommand(["httpd", "-f", "-p", "80"]).withExposedPorts(80);
  await start(
    server().withWaitStrategy(
      Wait.forAll([
        Wait.forListeningPorts(),
        Wait.forSuccessfulCommand("true"),
        Wait.forHttp("/", 80).forStatusCode(404),
      ]),
    ),
  );
  await start(
    new GenericContainer(image)
      .withCommand(["sleep", "1000"])
      .withHealthCheck({ test: ["CMD-SHELL", "true"], interval: 100, timeout: 1000, retries: 3 })
      .withWaitStrategy(Wait.forHealthCheck()),
  );
  await start(new GenericContainer(image).withCommand(["true"]).withWaitStrategy(Wait.forOneShotStartup()));
});

await step("bind, tmpfs, user, limits, capabilities, hosts", async () => {
  const box = await start(
    new GenericContainer(image)
      .withBindMounts([{ source: "/usr", target: "/host-usr", mode: "ro" }])
      .withTmpFs({ "/scratch": "rw,size=1m" })
      .withUser("1")
      .withUlimits({ nofile: { hard: 100, soft: 50 } })
      .withResourcesQuota({ memory: 0.1, cpu: 0.5 })
      .withAddedCapabilities("NET_ADMIN")
      .withDroppedCapabilities("CHOWN")
      .withExtraHosts([{ host: "named", ipAddress: "10.0.0.1" }])
      .withCommand(["sleep", "1000"]),
  );
  const { output } = await box.exec(["sh", "-c", "ulimit -n; id -u; grep named /etc/hosts; ls -d /host-usr/bin"]);
  expect(/^50\n1\n10\.0\.0\.1\s+named\n\/host-usr\/bin\n$/.test(output), output);
});

await step("an image built from a Dockerfile", async () => {
  const context = mkdtempSync(join(tmpdir(), "judged-context-"));
  try {
    writeFileSync(join(context, "Dockerfile"), 'FROM busybox\nARG V=1\nRUN echo $V > /v\nCMD ["sleep", "1000"]\n');
    const built = await GenericContainer.fromDockerfile(context).withBuildArgs({ V: "7" }).build();
    const box = await start(built);
    expect((await box.exec(["cat", "/v"])).output === "7\n", "argument");
  } finally {
    rmSync(context, { recursive: true });
  }
});

await step("a network of one's own, with aliases", async () => {
  const network = await new Network().start();
  const server = await start(
    new GenericContainer(image).withNetwork(network).withNetworkAliases("web").withCommand(["httpd", "-f", "-p", "80"]),
  );
  const client = await start(new GenericContainer(image).withNetwork(network).withCommand(["sleep", "1000"]));
  const { output } = await client.exec(["wget", "-O-", "http://web/"]);
  expect(output.includes("404"), output);
  await client.stop({ timeout: 0 });
  await server.stop({ timeout: 0 });
  await network.stop();
});

await step("a container that is used again", async () => {
  process.env.TESTCONTAINERS_REUSE_ENABLE = "true";
  const same = () => start(new GenericContainer(image).withCommand(["sleep", "1000"]).withReuse());
  const [one, two] = [await same(), await same()];
  expect(one.getId() === two.getId(), "two containers");
});

await Promise.allSettled(started.map((container) => container.stop({ timeout: 0 })));
process.exit(0);

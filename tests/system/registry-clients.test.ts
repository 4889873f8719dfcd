import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive } from "../engines/busybox-image.ts";
import { type CommandOptions, mustRun, runCommand } from "../engines/command.ts";
import { berthBinary, type EngineProcess, startEngine } from "../engines/engine.ts";
import { type RegistryProcess, startRegistry } from "../engines/registry.ts";
import { seededRandom } from "./kill-load.ts";
import { createRegistryLoad, expectWholeBlobs } from "./registry-load.ts";

/** Passwords, short-lived tokens, and rights by repository: what a registry of a team has. */
async function teamRegistry(directory: string): Promise<readonly string[]> {
  const htpasswd = join(directory, "htpasswd");
  const line = (user: string, password: string) =>
    mustRun([berthBinary, "registry", "htpasswd", "--cost", "4", user], { input: `${password}\n` });
  writeFileSync(htpasswd, `${await line("ann", "secret")}${await line("bob", "other")}`);
  const config = join(directory, "registry.json");
  writeFileSync(
    config,
    JSON.stringify({
      htpasswd,
      "issue-tokens": true,
      rules: [
        { users: ["ann"], repositories: ["**"], actions: ["pull", "push", "delete"] },
        { users: ["bob", "anonymous"], repositories: ["public/**"], actions: ["pull"] },
      ],
    }),
  );
  return ["--config-file", config];
}

async function makeCertificate(directory: string): Promise<readonly string[]> {
  const [key, certificate] = [join(directory, "key.pem"), join(directory, "ca.crt")];
  await mustRun(
    [
      ..."openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=registry".split(" "),
    ].concat("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate),
  );
  return ["--tls-cert", certificate, "--tls-key", key];
}

describe("clients of a registry with tokens", () => {
  let registry: RegistryProcess;
  let dockerd: EngineProcess;
  let archive: string;
  let environment: Record<string, string>;
  beforeAll(async () => {
    registry = await startRegistry(teamRegistry);
    dockerd = await startEngine("dockerd");
    archive = await busyboxArchive();
    environment = {
      DOCKER_HOST: dockerd.host,
      DOCKER_CONFIG: join(registry.directory, "docker-config"),
      REGISTRY_AUTH_FILE: join(registry.directory, "auth.json"),
    };
    mkdirSync(environment["DOCKER_CONFIG"] ?? "");
    await mustRun(["docker", "load", "-i", archive], { environment });
  }, 60_000);
  afterAll(async () => {
    await dockerd?.destroy();
    await registry?.destroy();
  }, 60_000);

  const run = (command: string, options: CommandOptions = {}) =>
    runCommand(command.replaceAll("HOST", registry.host).split(" "), {
      ...options,
      environment: { ...environment, ...options.environment },
    });
  const must = async (command: string, options: CommandOptions = {}) => {
    const result = await run(command, options);
    if (result.exitCode !== 0) throw new Error(`${command}: ${result.stdout}${result.stderr}`);
    return result.stdout.trim();
  };
  const podman = (words: string) =>
    `podman --root ${registry.directory}/podman --runroot ${registry.directory}/podman-run --storage-driver vfs --cgroup-manager cgroupfs ${words}`;
  const insecure = "--src-tls-verify=false --dest-tls-verify=false";

  test("docker logs in, pushes, pulls what it pushed, and searches", async () => {
    expect((await run("docker push HOST/public/none")).exitCode).not.toBe(0);
    expect((await run("docker login -u ann -p wrong HOST")).stderr).toContain("unauthorized");
    expect(await must("docker login -u ann -p secret HOST")).toContain("Login Succeeded");
    await must("docker tag busybox:latest HOST/public/busybox:1");
    const pushed = await must("docker push HOST/public/busybox:1");
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(pushed)?.[1] ?? "";
    const id = await must("docker image inspect --format {{.Id}} HOST/public/busybox:1");
    expect(await must("docker push HOST/public/busybox:1")).toContain("Layer already exists");
    expect(await must("docker push HOST/public/busybox:1")).not.toContain("Pushed");
    // Into another repository: mounted, not sent.
    await must("docker tag busybox:latest HOST/private/busybox:1");
    expect(await must("docker push HOST/private/busybox:1")).toContain("Mounted from public/busybox");
    await must("docker rmi HOST/public/busybox:1 HOST/private/busybox:1 busybox:latest");
    expect(await must(`docker pull HOST/public/busybox@${digest}`)).toContain(digest);
    expect(await must(`docker image inspect --format {{.Id}} HOST/public/busybox@${digest}`)).toBe(id);
    expect(await must("docker search HOST/busybox")).toContain("public/busybox");
  }, 60_000);

  test("rights hold for docker, podman and skopeo", async () => {
    await must("docker login -u bob -p other HOST");
    const push = await run(
      `skopeo copy ${insecure} --dest-creds bob:other docker-archive:${archive} docker://HOST/public/x:1`,
    );
    expect([push.exitCode === 0, push.stderr.includes("denied") || push.stderr.includes("may not push")]).toEqual([
      false,
      true,
    ]);
    expect(
      (await run("skopeo inspect --tls-verify=false --creds bob:other docker://HOST/private/busybox:1")).exitCode,
    ).not.toBe(0);
    expect((await run("skopeo inspect --tls-verify=false --no-creds docker://HOST/public/busybox:1")).exitCode).toBe(0);
    expect((await run("docker pull HOST/private/busybox:1")).exitCode).not.toBe(0);
    await must("docker logout HOST");
  }, 60_000);

  test("skopeo copies in both directions, as Docker's and OCI's types, with an index", async () => {
    const creds = "--dest-creds ann:secret --src-creds ann:secret";
    for (const format of ["v2s2", "oci"]) {
      await must(
        `skopeo copy ${insecure} --dest-creds ann:secret -f ${format} docker-archive:${archive} docker://HOST/skopeo/${format}:1`,
      );
      const target = join(registry.directory, `layout-${format}`);
      await must(`skopeo copy ${insecure} --src-creds ann:secret docker://HOST/skopeo/${format}:1 oci:${target}:1`);
    }
    await must(`skopeo copy ${insecure} ${creds} --all docker://HOST/skopeo/oci:1 docker://HOST/skopeo/copy:1`);
    expect(await must("skopeo list-tags --tls-verify=false --creds ann:secret docker://HOST/skopeo/copy")).toContain(
      '"1"',
    );
    await must("skopeo delete --tls-verify=false --creds ann:secret docker://HOST/skopeo/copy:1");
    expect(
      (await run("skopeo inspect --tls-verify=false --creds ann:secret docker://HOST/skopeo/copy:1")).exitCode,
    ).not.toBe(0);
  }, 60_000);

  test("podman pushes and pulls, by zstd too, and a manifest list", async () => {
    await must(podman("login --tls-verify=false -u ann -p secret HOST"));
    const name = (await must(podman(`load -q -i ${archive}`))).split(" ").at(-1) ?? "";
    await must(podman(`push -q --tls-verify=false ${name} HOST/podman/busybox:1`));
    await must(podman(`push -q --tls-verify=false --compression-format zstd ${name} HOST/podman/busybox:zstd`));
    await must(podman("manifest create list"));
    await must(podman("manifest add --tls-verify=false list docker://HOST/podman/busybox:1"));
    await must(podman("manifest push --all --tls-verify=false list docker://HOST/podman/list:1"));
    const before = await must(podman(`image inspect --format {{.Id}} ${name}`));
    await must(podman("rmi -f -a"));
    for (const pushed of ["podman/busybox:1", "podman/busybox:zstd", "podman/list:1"]) {
      await must(podman(`pull -q --tls-verify=false HOST/${pushed}`));
      expect(await must(podman(`image inspect --format {{.Id}} HOST/${pushed}`))).toBe(before);
    }
    await must(podman("rmi -f -a"));
  }, 90_000);
});

test("TLS: clients that know the certificate come in, others do not, and SIGHUP renews it", async () => {
  const registry = await startRegistry(makeCertificate);
  try {
    const archive = await busyboxArchive();
    const copy = (...flags: string[]) =>
      runCommand(["skopeo", "copy", ...flags, `docker-archive:${archive}`, `docker://${registry.host}/tls/busybox:1`]);
    expect((await copy()).exitCode).not.toBe(0);
    expect((await copy("--dest-cert-dir", registry.directory)).exitCode).toBe(0);
    const serial = async () => {
      const shown = await runCommand(["openssl", "s_client", "-connect", registry.host], { input: "" });
      return /-----BEGIN CERTIFICATE-----[\s\S]*?-----END/.exec(shown.stdout)?.[0];
    };
    const before = await serial();
    await makeCertificate(registry.directory);
    process.kill(registry.pid(), "SIGHUP");
    for (let turn = 0; turn < 100 && (await serial()) === before; turn++) await Bun.sleep(20);
    expect(await serial()).not.toBe(before);
    expect((await copy("--dest-cert-dir", registry.directory)).stderr).toBe("");
  } finally {
    await registry.destroy();
  }
}, 30_000);

test("TLS: with an authority for clients, only those with its certificate come in", async () => {
  const registry = await startRegistry(async (directory) => [
    ...(await makeCertificate(directory)),
    "--tls-client-ca",
    join(directory, "ca.crt"),
  ]);
  try {
    const [ca, key] = ["ca.crt", "key.pem"].map((name) => readFileSync(join(registry.directory, name), "utf8"));
    const url = `https://${registry.host}/v2/`;
    // The certificate is its own authority, so that it serves both sides.
    expect((await fetch(url, { tls: { ca, cert: ca, key } })).status).toBe(200);
    expect(fetch(url, { tls: { ca } }).then((response) => response.status)).rejects.toThrow();
  } finally {
    await registry.destroy();
  }
}, 30_000);

/** How often the registry is killed at a random moment: `ROUNDS=100` is the whole proof. */
const rounds = Number(process.env["ROUNDS"] ?? 4);
const seed = Number(process.env["KILLS_SEED"] ?? Date.now() % 1_000_000);

test(
  "kill -9 at any moment of pushes and collections leaves what was acknowledged, whole",
  async () => {
    console.log(`ROUNDS=${rounds} KILLS_SEED=${seed}`);
    const random = seededRandom(seed);
    const registry = await startRegistry(["--gc-interval", "50ms", "--gc-grace", "500ms"]);
    try {
      const load = createRegistryLoad(() => registry.host);
      for (let round = 0; round < rounds; round++) {
        const state = { isUp: true };
        const pushing = Array.from({ length: 3 }, async (_, lane) => {
          // What a kill breaks off is not acknowledged; everything else must be there.
          for (let index = 0; state.isUp; index++) {
            const name = `r${round}-${lane}-${index}`;
            await load.push(name).catch(() => undefined);
            if (index % 3 > 0) await load.delete(name).catch(() => undefined);
          }
        });
        await Bun.sleep(10 + 1200 * random());
        await registry.kill();
        state.isUp = false;
        await Promise.all(pushing);
        await registry.start();
        await load.expectWhole();
      }
      const log = readFileSync(registry.logFile, "utf8");
      const collected = [...log.matchAll(/garbage collected" .*\bblobs=(\d+)/g)].reduce(
        (sum, [, n]) => sum + Number(n),
        0,
      );
      console.log({ acknowledged: load.acknowledged.size, collected });
      expect(load.acknowledged.size).toBeGreaterThan(0);
      expect(log).not.toContain("level=error");
      await registry.kill();
      expectWholeBlobs(registry.root);
    } finally {
      await registry.destroy();
    }
  },
  60_000 + rounds * 10_000,
);

test("a daemon can serve a registry beside, on an address of its own", async () => {
  const engine = await startEngine("berth", { flags: ["--serve-registry", "127.0.0.1:0"] });
  try {
    const environment = { DOCKER_HOST: engine.host, DOCKER_CONFIG: engine.directory };
    const docker = (...words: string[]) => mustRun(["docker", ...words], { environment });
    const address = () =>
      /registry is ready" addresses=http:\/\/(\S+)/.exec(readFileSync(engine.logFile, "utf8"))?.[1] ?? "";
    await docker("load", "-q", "-i", await busyboxArchive());
    const name = `${address()}/team/busybox:1`;
    await docker("tag", "busybox", name);
    const id = await docker("image", "inspect", "--format", "{{.Id}}", name);
    expect(await docker("push", name)).toContain("digest: sha256:");
    await docker("rmi", name, "busybox");
    await docker("pull", name);
    expect(await docker("image", "inspect", "--format", "{{.Id}}", name)).toBe(id);
    const found = [`${address()}/team/busybox`, "", "0", ""];
    const table = (text: string) => text.trim().split("\n").at(-1)?.split(/ {2,}/);
    expect(table(await docker("search", `${address()}/busy`))).toEqual(found.filter((field) => field !== ""));
    const berth = (...words: string[]) =>
      mustRun([berthBinary, ...words], { environment: { BERTH_HOST: engine.host, DOCKER_CONFIG: engine.directory } });
    expect(await berth("search", "--format", "{{.Name}}", "--limit", "3", `${address()}/team`)).toBe(`${found[0]}\n`);
    expect(await berth("search", "--format", "{{.Name}}", "--filter", "stars=1", `${address()}/team`)).toBe("");
    // The registry is no API.
    expect((await fetch(`http://${address()}/info`)).status).toBe(404);
  } finally {
    await engine.destroy();
  }
}, 60_000);

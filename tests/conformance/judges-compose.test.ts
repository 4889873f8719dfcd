import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CommandResult, eventually, runCommand } from "../engines/command.ts";
import { useDaemon } from "./daemon.ts";

const daemon = useDaemon();
const present = (await runCommand(["sh", "-c", "command -v docker-compose"])).exitCode === 0;
if (!present) console.log("skipped: docker-compose is not installed (apt-get install docker-compose)");

const file = `
version: "3.8"
services:
  web:
    build: ./web
    ports: ["127.0.0.1::8080"]
    volumes: ["data:/data"]
    depends_on: [db]
    networks: [front, back]
    environment: {MODE: test}
    healthcheck: {test: ["CMD", "test", "-e", "/www/index.html"], interval: 1s, timeout: 5s, retries: 3}
  db:
    image: busybox
    command: sh -c 'echo db is up; exec httpd -f -p 5432'
    networks:
      back: {aliases: [database]}
    volumes: ["records:/var/lib/db"]
  worker:
    image: busybox
    command: sh -c 'echo worker of $$HOSTNAME; exec sleep 1000'
    depends_on: [web, db]
    networks: [back]
networks: {front: {}, back: {internal: true}}
volumes: {data: {}, records: {}}
`;

describe.if(present)("docker-compose 1.29 with three services", () => {
  const compose = async (...words: string[]): Promise<CommandResult> => {
    const folder = join(daemon.directory, "judged");
    mkdirSync(join(folder, "web"), { recursive: true });
    writeFileSync(join(folder, "docker-compose.yml"), file);
    writeFileSync(
      join(folder, "web/Dockerfile"),
      'FROM busybox\nRUN mkdir /www && echo hello > /www/index.html\nCMD ["httpd", "-f", "-p", "8080", "-h", "/www"]\n',
    );
    return runCommand(["docker-compose", "--no-ansi", ...words], {
      directory: folder,
      environment: { ...daemon.environment, COMPOSE_DOCKER_CLI_BUILD: "0", COMPOSE_HTTP_TIMEOUT: "60" },
    });
  };
  const ok = async (...words: string[]) => {
    const result = await compose(...words);
    expect(`${words.join(" ")}: ${result.exitCode}\n${result.exitCode === 0 ? "" : result.stderr}`).toBe(
      `${words.join(" ")}: 0\n`,
    );
    return result.stdout;
  };
  const services = async (...filters: string[]) =>
    (await daemon.ok("ps", ...filters, "--format", '{{.Label "com.docker.compose.service"}}')).split("\n").toSorted();

  afterAll(async () => {
    await compose("down", "-v", "--rmi", "local", "-t", "0");
  });

  test("up builds, makes networks and volumes and starts in order", async () => {
    await ok("up", "-d");
    expect(await services()).toEqual(["db", "web", "worker"]);
    expect(
      (await daemon.ok("network", "ls", "--filter", "label=com.docker.compose.project=judged", "-q")).split("\n")
        .length,
    ).toBe(2);
    expect(await daemon.ok("volume", "ls", "--filter", "label=com.docker.compose.project=judged", "-q")).toBe(
      "judged_data\njudged_records",
    );
    await eventually("web to be healthy", async () => (await ok("ps")).includes("Up (healthy)"));
  });

  test("services find each other by name and alias, and the host finds the published port", async () => {
    const found = await compose("exec", "-T", "web", "wget", "-O-", "http://database:5432/");
    expect(found.stderr).toContain("404 Not Found");
    expect((await compose("exec", "-T", "worker", "wget", "-qO-", "http://web:8080/")).stdout).toBe("hello\n");
    const address = (await ok("port", "web", "8080")).trim();
    expect(await (await fetch(`http://${address}/`)).text()).toBe("hello\n");
  });

  test("logs, top, images, and a command in a container of its own", async () => {
    expect(await ok("logs")).toMatch(/db_1\s+\| db is up/);
    expect(await ok("top", "worker")).toContain("sleep 1000");
    expect(await ok("images")).toContain("judged_web");
    expect((await compose("run", "--rm", "worker", "sh", "-c", "echo once; exit 3")).exitCode).toBe(3);
    expect(await services()).toEqual(["db", "web", "worker"]);
  });

  test("a second up changes nothing; a changed service is made anew", async () => {
    const before = await daemon.ok("ps", "-q", "--no-trunc");
    await ok("up", "-d");
    expect(await daemon.ok("ps", "-q", "--no-trunc")).toBe(before);
    await ok("up", "-d", "--force-recreate", "--no-deps", "-t", "0", "worker");
    expect(await daemon.ok("ps", "-q", "--no-trunc")).not.toBe(before);
    expect(await services()).toEqual(["db", "web", "worker"]);
  });

  test("scale, stop, start, restart, pause, kill, rm", async () => {
    await ok("up", "-d", "-t", "0", "--scale", "worker=3");
    expect(await services()).toEqual(["db", "web", "worker", "worker", "worker"]);
    await ok("stop", "-t", "0", "worker");
    expect(await services("--filter", "status=exited")).toEqual(["worker", "worker", "worker"]);
    await ok("start", "worker");
    await ok("restart", "-t", "0", "db");
    await ok("pause");
    expect((await services("--filter", "status=paused")).length).toBe(5);
    await ok("unpause");
    await ok("kill", "worker");
    await ok("rm", "-f", "worker");
    expect(await services("-a")).toEqual(["db", "web"]);
  });

  test("down -v removes containers, networks, volumes and what was built", async () => {
    await ok("down", "-v", "--rmi", "local", "-t", "0");
    expect(await daemon.ok("ps", "-aq")).toBe("");
    expect(await daemon.ok("network", "ls", "-q", "--filter", "type=custom")).toBe("");
    expect(await daemon.ok("volume", "ls", "-q", "--filter", "label=com.docker.compose.project=judged")).toBe("");
    expect(await daemon.ok("images", "-q", "judged_web")).toBe("");
  });
});

import { beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun, runCommand } from "../engines/command.ts";
import { berthBinary } from "../engines/engine.ts";
import { targetIsDockerd, useDaemon } from "./daemon.ts";

/** Contexts are kept where docker keeps them: what one command writes the other reads. */
const daemon = useDaemon();
let home = "";

beforeAll(() => {
  home = join(daemon.directory, "contexts-home");
  mkdirSync(home);
});

const environment = (more: Readonly<Record<string, string>> = {}) => ({
  DOCKER_CONFIG: home,
  BERTH_CONFIG: "",
  DOCKER_HOST: "",
  BERTH_HOST: "",
  DOCKER_CONTEXT: "",
  BERTH_CONTEXT: "",
  ...more,
});
const berth = (words: readonly string[], more?: Readonly<Record<string, string>>) =>
  runCommand([berthBinary, ...words], { environment: environment(more), directory: home });
const docker = (words: readonly string[]) =>
  runCommand(["docker", ...words], { environment: environment(), directory: home });

describe.skipIf(targetIsDockerd)("contexts", () => {
  test("are made by one command and used by the other", async () => {
    const host = `host=${daemon.engine.host}`;
    const made = await berth(["context", "create", "ours", "--description", "made here", "--docker", host]);
    expect(made).toEqual({ exitCode: 0, stdout: "ours\n", stderr: 'Successfully created context "ours"\n' });
    expect((await docker(["--context", "ours", "ps", "-q"])).exitCode).toBe(0);
    expect((await docker(["context", "create", "theirs", "--docker", host])).exitCode).toBe(0);
    expect((await berth(["--context", "theirs", "ps", "-q"])).exitCode).toBe(0);
    for (const words of [
      ["context", "inspect", "ours", "theirs"],
      ["context", "inspect", "-f", "{{.Name}} {{.Endpoints.docker.Host}}", "ours"],
      ["context", "inspect", "-f", "json", "ours"],
      ["context", "inspect", "none"],
      ["context", "ls", "-q"],
      ["context", "create", "ours"],
      ["context", "create", "default"],
      ["context", "create", "a b"],
      ["context", "create", "new", "--from", "none"],
      ["context", "create", "new", "--docker", "foo=bar"],
      ["context", "create", "new", "--docker", "host=tcp://x:1,ca=/none"],
      ["context", "create", "new", "--docker", "host=unix:///x,skip-tls-verify=maybe"],
      ["context", "use", "none"],
      ["context", "rm", "none"],
      ["context", "rm", "default"],
      ["context", "import", "ours", "/none"],
    ]) {
      const [theirs, ours] = [await docker(words), await berth(words)];
      expect({ ...ours, stderr: ours.stderr.replaceAll(/^Hint: .*\n/gm, "") }).toEqual(theirs);
    }
  });

  test("are chosen by flag, variable and use, in docker's order", async () => {
    expect((await berth(["context", "show"])).stdout).toBe("default\n");
    expect((await berth(["context", "use", "ours"])).exitCode).toBe(0);
    expect((await docker(["context", "show"])).stdout).toBe("ours\n");
    expect((await berth(["ps", "-q"])).exitCode).toBe(0);
    expect((await berth(["context", "show"], { DOCKER_CONTEXT: "theirs" })).stdout).toBe("theirs\n");
    expect((await berth(["context", "show"], { DOCKER_CONTEXT: "theirs", BERTH_CONTEXT: "ours" })).stdout).toBe(
      "ours\n",
    );
    expect((await berth(["context", "show"], { DOCKER_HOST: "unix:///none" })).stdout).toBe("default\n");
    expect((await berth(["ps"], { DOCKER_HOST: "unix:///none" })).exitCode).toBe(1);
    expect((await berth(["--context", "ours", "ps", "-q"], { DOCKER_HOST: "unix:///none" })).exitCode).toBe(0);
    const listed = await berth(["context", "ls", "--format", "{{.Name}} {{.Current}} {{.DockerEndpoint}}"]);
    expect(listed.stdout).toContain(`ours true ${daemon.engine.host}\n`);
    expect((await berth(["context", "rm", "ours"])).stderr).toContain("is in use, set -f flag to force remove");
    expect((await berth(["context", "use", "default"])).exitCode).toBe(0);
  });

  test("travel as archives between both", async () => {
    expect((await berth(["context", "export", "ours", "ours.tar"])).stderr).toBe('Written file "ours.tar"\n');
    expect((await berth(["context", "export", "ours", "ours.tar"])).stderr).toBe("open ours.tar: file exists\n");
    expect((await docker(["context", "import", "from-ours", "ours.tar"])).exitCode).toBe(0);
    expect((await docker(["context", "export", "theirs", "theirs.tar"])).exitCode).toBe(0);
    expect((await berth(["context", "import", "from-theirs", "theirs.tar"])).exitCode).toBe(0);
    expect((await berth(["--context", "from-theirs", "ps", "-q"])).exitCode).toBe(0);
    writeFileSync(join(home, "other.txt"), "not a context");
    await mustRun(["tar", "-cf", join(home, "hostile.tar"), "-C", home, "other.txt"]);
    expect((await berth(["context", "import", "hostile", "hostile.tar"])).stderr).toBe(
      "other.txt: unexpected context file\n",
    );
    writeFileSync(join(home, "garbage"), "garbage");
    expect((await berth(["context", "import", "hostile", "garbage"])).exitCode).toBe(1);
    expect((await berth(["context", "ls", "-q"])).stdout).not.toContain("hostile");
  });

  test("keep what else config.json says", async () => {
    const file = join(home, "config.json");
    writeFileSync(file, JSON.stringify({ auths: {}, credsStore: "none", unknown: { to: "us" } }), { mode: 0o600 });
    await berth(["context", "use", "ours"]);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      auths: {},
      credsStore: "none",
      unknown: { to: "us" },
      currentContext: "ours",
    });
    await berth(["context", "use", "default"]);
  });
});

describe.skipIf(targetIsDockerd)("ways to a daemon", () => {
  test("ssh runs dial-stdio on the far side, Berth's when it is there", async () => {
    const directory = join(home, "bin");
    mkdirSync(directory);
    // Stands for ssh: writes down what it was asked and runs the command here.
    writeFileSync(
      join(directory, "ssh"),
      `#!/bin/sh\nprintf '%s\\n' "$@" > ${home}/ssh-arguments\nfor last; do :; done\nexec sh -c "$last"\n`,
    );
    chmodSync(join(directory, "ssh"), 0o755);
    writeFileSync(
      join(directory, "berth"),
      `#!/bin/sh\nexport BERTH_HOST=${daemon.engine.host}\nexec ${berthBinary} "$@"\n`,
    );
    chmodSync(join(directory, "berth"), 0o755);
    const path = { PATH: `${directory}:${process.env["PATH"] ?? ""}` };
    const ran = await berth(["-H", "ssh://ada@far.example:2222", "run", "--rm", "busybox", "echo", "far away"], path);
    expect(ran).toEqual({ exitCode: 0, stdout: "far away\n", stderr: "" });
    const words = readFileSync(join(home, "ssh-arguments"), "utf8").split("\n");
    expect(words.slice(0, 9)).toEqual([
      "-l",
      "ada",
      "-p",
      "2222",
      "-o",
      "ConnectTimeout=30",
      "-T",
      "--",
      "far.example",
    ]);
    expect(words[9]).toContain("exec berth system dial-stdio");
    expect(words[9]).toContain("exec docker system dial-stdio");
  });

  test.each([
    ["ssh://-oProxyCommand=x", "must not begin with a dash"],
    ["ssh://user:password@host", "plain-text password is not supported"],
    ["ssh://host/sock'; rm -rf x", "characters that a shell would read"],
    ["ssh://", "SSH URL"],
  ])("%s is refused before ssh runs", async (host, reason) => {
    const { exitCode, stderr } = await berth(["-H", host, "ps"]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(reason);
  });

  test("ssh that cannot connect says what it said", async () => {
    const directory = join(home, "failing");
    mkdirSync(directory);
    writeFileSync(join(directory, "ssh"), "#!/bin/sh\necho 'no route to far' >&2\nexit 255\n");
    chmodSync(join(directory, "ssh"), 0o755);
    const { exitCode, stderr } = await berth(["-H", "ssh://far", "ps"], {
      PATH: `${directory}:${process.env["PATH"] ?? ""}`,
    });
    expect(exitCode).toBe(1);
    expect(stderr).toContain("has exited with exit status 255");
    expect(stderr).toContain("stderr=no route to far");
  });

  test("TLS needs the right authority, and shows our certificate", async () => {
    const files = join(home, "tls");
    mkdirSync(files);
    const key = ["-newkey", "rsa:2048", "-nodes", "-days", "2"];
    const at = (name: string) => join(files, name);
    await mustRun([
      "openssl",
      "req",
      "-x509",
      ...key,
      "-keyout",
      at("ca-key.pem"),
      "-out",
      at("ca.pem"),
      "-subj",
      "/CN=authority",
    ]);
    for (const [name, extension] of [
      ["server", "subjectAltName=IP:127.0.0.1"],
      ["client", "extendedKeyUsage=clientAuth"],
    ] as const) {
      const prefix = name === "client" ? "" : "server-";
      await mustRun([
        "openssl",
        "req",
        ...key,
        "-keyout",
        at(`${prefix}key.pem`),
        "-out",
        at("request.pem"),
        "-subj",
        `/CN=${name}`,
      ]);
      writeFileSync(at("extensions"), extension);
      await mustRun([
        "openssl", "x509", "-req", "-in", at("request.pem"), "-CA", at("ca.pem"), "-CAkey", at("ca-key.pem"), "-CAcreateserial",
        "-out", at(`${prefix}cert.pem`), "-days", "2", "-extfile", at("extensions"),
      ]); // prettier-ignore
    }
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      tls: {
        cert: readFileSync(at("server-cert.pem"), "utf8"),
        key: readFileSync(at("server-key.pem"), "utf8"),
        ca: readFileSync(at("ca.pem"), "utf8"),
        requestCert: true,
        rejectUnauthorized: true,
      },
      fetch: () => Response.json([], { headers: { "Api-Version": "1.50" } }),
    });
    const host = `tcp://127.0.0.1:${server.port}`;
    try {
      expect((await berth(["-H", host, "--tlsverify", "ps", "-q"], { DOCKER_CERT_PATH: files })).exitCode).toBe(0);
      const variables = { DOCKER_CERT_PATH: files, DOCKER_TLS_VERIFY: "1", DOCKER_HOST: host };
      expect((await berth(["ps", "-q"], variables)).exitCode).toBe(0);
      const given = ["--tlscacert", at("ca.pem"), "--tlscert", at("cert.pem"), "--tlskey", at("key.pem")];
      expect((await berth(["-H", host, "--tlsverify", ...given, "ps", "-q"])).exitCode).toBe(0);
      // Without a certificate of ours, with another authority, and without TLS at all.
      expect(
        (await berth(["-H", host, "--tlsverify", "--tlscacert", at("ca.pem"), "--tlscert=", "--tlskey=", "ps"]))
          .exitCode,
      ).toBe(1);
      expect((await berth(["-H", host, "--tlsverify", ...given.with(1, at("cert.pem")), "ps"])).exitCode).toBe(1);
      expect((await berth(["-H", host, "ps"])).exitCode).toBe(1);
      const endpoint = `host=${host},ca=${at("ca.pem")},cert=${at("cert.pem")},key=${at("key.pem")}`;
      expect((await berth(["context", "create", "secure", "--docker", endpoint])).exitCode).toBe(0);
      expect((await berth(["--context", "secure", "ps", "-q"])).exitCode).toBe(0);
      expect((await docker(["--context", "secure", "ps", "-q"])).exitCode).toBe(0);
      expect((await berth(["context", "inspect", "-f", "{{.TLSMaterial.docker}}", "secure"])).stdout).toBe(
        "[ca.pem cert.pem key.pem]\n",
      );
    } finally {
      await server.stop(true);
    }
  });
});

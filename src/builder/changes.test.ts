import { describe, expect, test } from "bun:test";
import { parseChanges } from "./changes.ts";

describe("parseChanges()", () => {
  test("edits a config and leaves the given one alone", () => {
    const before = { Env: ["A=1"], Cmd: ["sh"], WorkingDir: "/srv" };
    const edit = parseChanges([
      "ENV B=$A-2 A=3",
      "CMD echo hi",
      'ENTRYPOINT ["/bin/app"]',
      "EXPOSE 80 443/udp",
      "LABEL x=y",
      "USER app",
      "VOLUME /data",
      "WORKDIR sub",
      "ONBUILD RUN true",
      "STOPSIGNAL SIGINT",
      'SHELL ["/bin/bash", "-c"]',
      "HEALTHCHECK --retries=2 CMD true",
    ]);
    expect(edit(before)).toEqual({
      Env: ["A=3", "B=1-2"],
      Cmd: ["/bin/sh", "-c", "echo hi"],
      Entrypoint: ["/bin/app"],
      ExposedPorts: { "443/udp": {}, "80/tcp": {} },
      Labels: { x: "y" },
      User: "app",
      Volumes: { "/data": {} },
      WorkingDir: "/srv/sub",
      OnBuild: ["RUN true"],
      StopSignal: "SIGINT",
      Shell: ["/bin/bash", "-c"],
      Healthcheck: {
        Test: ["CMD-SHELL", "true"],
        Interval: undefined,
        Timeout: undefined,
        StartPeriod: undefined,
        StartInterval: undefined,
        Retries: 2,
      },
    });
    expect(before).toEqual({ Env: ["A=1"], Cmd: ["sh"], WorkingDir: "/srv" });
  });

  test("an ENTRYPOINT alone resets the command", () => {
    expect(parseChanges(['ENTRYPOINT ["/x"]'])({ Cmd: ["sh"] })).toEqual({ Entrypoint: ["/x"], Cmd: null });
  });

  test.each([
    ["RUN true", "run is not a valid change command"],
    ["FROM x", "from is not a valid change command"],
    ["NOPE x", "unknown instruction: NOPE"],
    ["STOPSIGNAL WRONG", "invalid signal: WRONG"],
  ])("refuses %j", (line, message) => {
    expect(() => parseChanges([line])({})).toThrow(message);
  });
});

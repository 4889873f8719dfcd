import { describe, expect, test } from "bun:test";
import { hostSuite, parseSourceLines, parseSourceStanzas, sourcesForSuite } from "./apt-sources.ts";

const stanzas = `Types: deb
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib

Types: deb deb-src
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: https://vendor.example/node
Suites: nodistro
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
`;

describe("apt sources", () => {
  const sources = parseSourceStanzas(stanzas);

  test("parseSourceStanzas() reads enabled deb stanzas", () => {
    expect(sources.map((source) => source.uri)).toEqual([
      "http://mirror.example/debian",
      "http://mirror.example/debian-security",
      "https://vendor.example/node",
    ]);
  });

  test("parseSourceLines() reads options and components", () => {
    expect(
      parseSourceLines("# x\ndeb [arch=amd64 signed-by=/k.gpg] http://m/debian bookworm main contrib # end\n"),
    ).toEqual([{ uri: "http://m/debian", suites: ["bookworm"], components: ["main", "contrib"], signedBy: "/k.gpg" }]);
  });

  test("hostSuite() is the suite of the distribution's own archive", () => {
    expect(hostSuite(sources)).toBe("bookworm");
  });

  test("sourcesForSuite() keeps updates and security, and leaves strangers and backports out", () => {
    expect(sourcesForSuite(sources, "debian", "trixie")).toBe(
      "deb http://mirror.example/debian trixie main contrib\n" +
        "deb http://mirror.example/debian trixie-updates main contrib\n" +
        "deb http://mirror.example/debian-security trixie-security main\n",
    );
  });

  test("sourcesForSuite() gives a rolling suite no updates", () => {
    expect(sourcesForSuite(sources, "debian", "sid")).toBe("deb http://mirror.example/debian sid main contrib\n");
  });

  test("sourcesForSuite() is undefined without a mirror of the distribution", () => {
    expect(sourcesForSuite(sources, "ubuntu", "jammy")).toBeUndefined();
  });
});

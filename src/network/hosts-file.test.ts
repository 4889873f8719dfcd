import { describe, expect, test } from "bun:test";
import { buildHostsFile } from "./hosts-file.ts";

const base = {
  hostname: "web",
  domainname: "",
  addresses: ["172.17.0.2"],
  extraHosts: [],
  hostGateways: ["172.17.0.1"],
};

describe("buildHostsFile()", () => {
  test("has Docker's layout", () => {
    expect(
      buildHostsFile({
        ...base,
        domainname: "example.org",
        extraHosts: ["db:10.0.0.9", "up=host-gateway", "six:[fd00::1]"],
      }),
    ).toBe(
      "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\n" +
        "ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n10.0.0.9\tdb\n172.17.0.1\tup\nfd00::1\tsix\n" +
        "172.17.0.2\tweb.example.org web\n",
    );
  });

  test.each(["db", "db:", ":1.2.3.4", "db:nonsense", "a b:1.2.3.4", "db:1.2.3.4\n6.6.6.6 evil"])(
    "refuses %p",
    (entry) => {
      expect(() => buildHostsFile({ ...base, extraHosts: [entry] })).toThrow("invalid extra host");
    },
  );

  test("refuses host-gateway where there is none", () => {
    expect(() => buildHostsFile({ ...base, hostGateways: [], extraHosts: ["up:host-gateway"] })).toThrow(
      "unable to derive the IP value for host-gateway",
    );
  });
});

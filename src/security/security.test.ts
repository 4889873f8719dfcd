import { describe, expect, test } from "bun:test";
import { capabilitySets, resolveCapabilities } from "./capabilities/resolve.ts";
import { defaultCapabilities } from "./capabilities/names.ts";
import { checkSecurityOptions, parseSecurityOptions } from "./security-options.ts";
import { appArmorProfileText } from "./apparmor/profile.ts";

const available = [...defaultCapabilities, "CAP_NET_ADMIN", "CAP_SYS_ADMIN"];
const resolve = (add: string[], drop: string[], privileged = false) =>
  resolveCapabilities({ add, drop, privileged }, available);

describe("resolveCapabilities", () => {
  test("gives Docker's fourteen by default", () => {
    expect(resolve([], [])).toEqual(defaultCapabilities);
    expect(defaultCapabilities).toHaveLength(14);
  });

  test("takes names with and without CAP_, in any case", () => {
    expect(resolve(["net_admin"], ["CAP_CHOWN", "kill"])).toEqual([
      ...defaultCapabilities.filter((name) => name !== "CAP_CHOWN" && name !== "CAP_KILL"),
      "CAP_NET_ADMIN",
    ]);
  });

  test("add ALL leaves out the dropped; drop ALL leaves only the added", () => {
    expect(resolve(["ALL"], ["SYS_ADMIN"])).toEqual(available.filter((name) => name !== "CAP_SYS_ADMIN"));
    expect(resolve(["NET_ADMIN"], ["all"])).toEqual(["CAP_NET_ADMIN"]);
    expect(resolve([], ["ALL"])).toEqual([]);
  });

  test("privileged has all there are", () => {
    expect(resolve([], ["ALL"], true)).toEqual(available);
  });

  test("refuses in Docker's words", () => {
    expect(() => resolve(["FOO"], [])).toThrow('invalid CapAdd: unknown capability: "CAP_FOO"');
    expect(() => resolve([], ["bar"])).toThrow('invalid CapDrop: unknown capability: "CAP_BAR"');
    expect(() => resolve(["SYS_TIME"], [])).toThrow("not available in the current environment");
  });
});

test("capabilitySets leaves nothing inheritable, and nothing effective to a user", () => {
  expect(capabilitySets(["CAP_KILL"], 0)).toEqual({
    bounding: ["CAP_KILL"],
    effective: ["CAP_KILL"],
    permitted: ["CAP_KILL"],
    inheritable: [],
    ambient: [],
  });
  expect(capabilitySets(["CAP_KILL"], 1000)).toMatchObject({ bounding: ["CAP_KILL"], effective: [], permitted: [] });
});

describe("parseSecurityOptions", () => {
  test("reads every option, with = and with the old :", () => {
    expect(
      parseSecurityOptions([
        "no-new-privileges",
        "seccomp=unconfined",
        "apparmor:mine",
        "label=disable",
        "systempaths=unconfined",
        "writable-cgroups=true",
      ]),
    ).toEqual({
      noNewPrivileges: true,
      seccomp: "unconfined",
      appArmor: "mine",
      labels: ["disable"],
      systemPathsUnconfined: true,
      writableCgroups: true,
    });
    expect(parseSecurityOptions(["no-new-privileges:false"]).noNewPrivileges).toBe(false);
    expect(parseSecurityOptions([]).noNewPrivileges).toBeUndefined();
  });

  test("keeps a JSON profile whole", () => {
    expect(parseSecurityOptions(['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}']).seccomp).toBe(
      '{"defaultAction":"SCMP_ACT_ALLOW"}',
    );
  });

  test.each([
    ["nonsense", 'invalid --security-opt 1: "nonsense"'],
    ["foo=bar", 'invalid --security-opt 2: "foo=bar"'],
    ["no-new-privileges=maybe", 'invalid --security-opt 2: "no-new-privileges=maybe"'],
    ["systempaths=none", 'invalid --security-opt 2: "systempaths=none"'],
    ["apparmor=a b", "invalid AppArmor profile name"],
  ])("refuses %s", (option, message) => {
    expect(() => parseSecurityOptions([option])).toThrow(message);
  });
});

test.each([
  ["seccomp={", "Decoding seccomp profile failed"],
  ["seccomp=/etc/profile.json", "Decoding seccomp profile failed"],
  ['seccomp={"syscalls":[{"names":"read","action":"SCMP_ACT_ALLOW"}]}', "syscalls.0.names"],
  [
    'seccomp={"syscalls":[{"name":"read","names":["write"],"action":"SCMP_ACT_ALLOW"}]}',
    "both 'name' and 'names' are specified",
  ],
])("checkSecurityOptions refuses %s", (option, message) => {
  expect(() => checkSecurityOptions({ SecurityOpt: [option] })).toThrow(message);
});

test("appArmorProfileText denies mounts and the kernel's files", () => {
  const text = appArmorProfileText("x");
  for (const line of ["profile x flags=", "deny mount,", "deny @{PROC}/kcore rwklx,", "deny network alg,"])
    expect(text).toContain(line);
});

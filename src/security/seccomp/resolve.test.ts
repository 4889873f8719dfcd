import { describe, expect, test } from "bun:test";
import { parseKernelVersion } from "#linux";
import { defaultCapabilities } from "../capabilities/names.ts";
import { containerSeccomp, defaultSeccompProfile } from "./container-seccomp.ts";
import golden from "./default-amd64.golden.json" with { type: "json" };
import { parseSeccompProfile } from "./profile.ts";
import { resolveSeccomp } from "./resolve.ts";

const kernel = parseKernelVersion("6.1.0");
const target = { capabilities: defaultCapabilities, architecture: "x64", kernel };
const resolved = resolveSeccomp(defaultSeccompProfile, target);

/** The action for a call without conditions on its arguments. */
function actionOf(name: string, seccomp = resolved): string | undefined {
  const rules = seccomp?.syscalls?.filter((rule) => rule.names.includes(name)) ?? [];
  return rules.find((rule) => rule.args === undefined)?.action;
}

describe("resolveSeccomp", () => {
  test("makes the golden object of Docker's profile, default capabilities, amd64 and kernel 6.1", () => {
    expect(resolved as unknown).toEqual(golden as unknown);
  });

  test("allows what programs need and refuses what opens the kernel", () => {
    for (const name of ["read", "openat2", "chroot", "ptrace", "arch_prctl", "mknod"])
      expect(actionOf(name)).toBe("SCMP_ACT_ALLOW");
    for (const name of ["mount", "unshare", "setns", "bpf", "keyctl", "io_uring_setup", "userfaultfd", "kexec_load"])
      expect(actionOf(name)).toBeUndefined();
    const clone3 = resolved?.syscalls?.find((rule) => rule.names.includes("clone3"));
    expect(clone3).toMatchObject({ action: "SCMP_ACT_ERRNO", errnoRet: 38 });
  });

  test("allows mount with CAP_SYS_ADMIN, and clone without conditions", () => {
    const capabilities = [...defaultCapabilities, "CAP_SYS_ADMIN"];
    const wide = resolveSeccomp(defaultSeccompProfile, { ...target, capabilities });
    expect(actionOf("mount", wide)).toBe("SCMP_ACT_ALLOW");
    expect(actionOf("clone3", wide)).toBe("SCMP_ACT_ALLOW");
  });

  test("respects minKernel and the architecture", () => {
    const old = resolveSeccomp(defaultSeccompProfile, { ...target, kernel: parseKernelVersion("4.7") });
    expect(actionOf("ptrace", old)).toBeUndefined();
    const arm = resolveSeccomp(defaultSeccompProfile, { ...target, architecture: "arm64" });
    expect(arm?.architectures).toEqual(["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]);
    expect(actionOf("arch_prctl", arm)).toBeUndefined();
  });

  test("means no filter when the profile is empty", () => {
    expect(resolveSeccomp(parseSeccompProfile("{}"), target)).toBeUndefined();
  });

  test("takes a profile of the old form", () => {
    const profile = parseSeccompProfile(
      '{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64"],"syscalls":[{"name":"chmod","action":"SCMP_ACT_ERRNO"}]}',
    );
    expect(resolveSeccomp(profile, target)).toEqual({
      defaultAction: "SCMP_ACT_ALLOW",
      architectures: ["SCMP_ARCH_X86_64"],
      syscalls: [{ names: ["chmod"], action: "SCMP_ACT_ERRNO" }],
    });
  });
});

describe("containerSeccomp", () => {
  test("filters by default, and from the cache the second time", () => {
    const first = containerSeccomp(undefined, defaultCapabilities, false);
    expect(first?.defaultAction).toBe("SCMP_ACT_ERRNO");
    expect(containerSeccomp("builtin", defaultCapabilities, false)).toBe(first);
  });

  test("leaves a privileged container alone unless it names a profile", () => {
    expect(containerSeccomp(undefined, [], true)).toBeUndefined();
    expect(containerSeccomp('{"defaultAction":"SCMP_ACT_ALLOW"}', [], true)?.defaultAction).toBe("SCMP_ACT_ALLOW");
    expect(containerSeccomp("unconfined", [], false)).toBeUndefined();
  });
});

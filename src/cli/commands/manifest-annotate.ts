import { canonicalName } from "#formats";
import { defineCommand } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { flag } from "../flags/flag.ts";
import { type ListedPlatform, readList, writeListed } from "../manifests/manifest-store.ts";
import { readName } from "../manifests/remote.ts";

/** What may be together (cli: cli/command/manifest/util.go, from golang's list of ports). */
const validPlatforms: Readonly<Record<string, readonly string[]>> = {
  darwin: ["386", "amd64", "arm", "arm64"],
  dragonfly: ["amd64"],
  freebsd: ["386", "amd64", "arm"],
  linux: ["386", "amd64", "arm", "arm64", "loong64", "ppc64le", "mips64", "mips64le", "riscv64", "s390x"],
  netbsd: ["386", "amd64", "arm"],
  openbsd: ["386", "amd64", "arm"],
  plan9: ["386", "amd64"],
  solaris: ["amd64"],
  windows: ["386", "amd64", "arm", "arm64"],
};

export const command = defineCommand({
  summary: "Add additional information to a local image manifest",
  synopsis: "[OPTIONS] MANIFEST_LIST MANIFEST",
  operands: { min: 2, max: 2 },
  flags: {
    arch: flag.string("Set architecture"),
    os: flag.string("Set operating system"),
    "os-features": flag.list("Set operating system feature", { typeName: "strings" }),
    "os-version": flag.string("Set operating system version"),
    variant: flag.string("Set architecture variant"),
  },
  neverStartsDaemon: true,
  async run(_context, flags, [listText = "", manifestText = ""]) {
    const listName = canonicalName(readName(listText));
    const name = canonicalName(readName(manifestText));
    const manifests = readList(listName);
    const manifest = manifests?.find(({ Ref: ref }) => ref === name);
    if (manifest === undefined) {
      throw cliErrors["manifest-conflict"](`manifest for image ${name} does not exist in ${listName}`);
    }
    const platform: ListedPlatform = { ...manifest.Descriptor.platform };
    if (flags.os !== "") platform.os = flags.os;
    if (flags.arch !== "") platform.architecture = flags.arch;
    if (flags["os-features"].length > 0) {
      const before = platform["os.features"] ?? [];
      platform["os.features"] = [...new Set([...before, ...flags["os-features"].flatMap((each) => each.split(","))])];
    }
    if (flags.variant !== "") platform.variant = flags.variant;
    if (flags["os-version"] !== "") platform["os.version"] = flags["os-version"];
    if (validPlatforms[platform.os]?.includes(platform.architecture) !== true) {
      throw cliErrors["bad-option"](
        `manifest entry for image has unsupported os/arch combination: ${platform.os}/${platform.architecture}`,
      );
    }
    writeListed(listName, { ...manifest, Descriptor: { ...manifest.Descriptor, platform } });
  },
});

import { defineCommand } from "../command.ts";
import { flag, type FlagValues } from "../flags/flag.ts";
import { parseMap } from "../container-options/key-values.ts";
import { printableLine } from "../output/printable.ts";
import { writeText } from "../output/write.ts";

/** What describes a volume of a swarm; the daemon says whether it is part of one. */
const clusterFlags = {
  availability: flag.string(`Cluster Volume availability ("active", "pause", "drain")`, {
    default: "active",
    hidden: true,
  }),
  group: flag.string("Cluster Volume group", { hidden: true }),
  "limit-bytes": flag.bytes("Minimum size of the Cluster Volume in bytes", { hidden: true }),
  "required-bytes": flag.bytes("Maximum size of the Cluster Volume in bytes", { hidden: true }),
  scope: flag.string(`Cluster Volume access scope ("single", "multi")`, { default: "single", hidden: true }),
  secret: flag.list("Cluster Volume secrets", { typeName: "map", shownDefault: "map[]", hidden: true }),
  sharing: flag.string(`Cluster Volume access sharing ("none", "readonly", "onewriter", "all")`, {
    default: "none",
    hidden: true,
  }),
  "topology-preferred": flag.list("A topology that the Cluster Volume would be preferred in", { hidden: true }),
  "topology-required": flag.list("A topology that the Cluster Volume must be accessible from", { hidden: true }),
  type: flag.string(`Cluster Volume access type ("mount", "block")`, { default: "block", hidden: true }),
} as const;

function segments(texts: readonly string[]): { Segments: Record<string, string> }[] {
  return texts.map((text) => ({ Segments: parseMap(text.split(",")) }));
}

/** docker's `ClusterVolumeSpec` of those flags. */
function clusterSpec(flags: FlagValues<typeof clusterFlags>) {
  const access = flags.type === "mount" ? { MountVolume: {} } : { BlockVolume: {} };
  return {
    Group: flags.group,
    AccessMode: { Scope: flags.scope, Sharing: flags.sharing, ...access },
    AccessibilityRequirements: {
      Requisite: segments(flags["topology-required"]),
      Preferred: segments(flags["topology-preferred"]),
    },
    CapacityRange: { RequiredBytes: flags["required-bytes"] ?? 0, LimitBytes: flags["limit-bytes"] ?? 0 },
    Secrets: Object.entries(parseMap(flags.secret)).map(([Key, Secret]) => ({ Key, Secret })),
    Availability: flags.availability,
  };
}

export const command = defineCommand({
  summary: "Create a volume",
  synopsis: "[OPTIONS] [VOLUME]",
  operands: { max: 1 },
  examples: [
    ["A volume in memory", "berth volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=100m scratch"],
  ],
  flags: {
    ...clusterFlags,
    driver: flag.string("Specify volume driver name", { short: "d", default: "local" }),
    label: flag.list("Set metadata for a volume"),
    name: flag.string("Specify volume name", { hidden: true }),
    opt: flag.list("Set driver specific options", { short: "o", typeName: "map", shownDefault: "map[]" }),
  },
  async run({ client }, flags, [name = flags.name], given) {
    const volume = await client.volumes.create({
      Driver: flags.driver,
      DriverOpts: parseMap(flags.opt),
      Labels: parseMap(flags.label),
      Name: name,
      ...(Object.keys(clusterFlags).some((each) => given.has(each)) && { ClusterVolumeSpec: clusterSpec(flags) }),
    });
    writeText(1, `${printableLine(volume.Name)}\n`);
  },
});

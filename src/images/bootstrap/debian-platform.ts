import { hostArchitecture } from "../catalog/image-config.ts";
import { errors } from "../errors.ts";

/** A platform in OCI's words and in Debian's (dpkg-architecture(1)). */
export type DebianPlatform = {
  readonly architecture: string;
  readonly variant: string | undefined;
  /** For apt and dpkg. */
  readonly debian: string;
};

const platforms: readonly DebianPlatform[] = [
  { architecture: "amd64", variant: undefined, debian: "amd64" },
  { architecture: "arm64", variant: undefined, debian: "arm64" },
  { architecture: "arm", variant: "v7", debian: "armhf" },
  { architecture: "arm", variant: "v5", debian: "armel" },
  { architecture: "386", variant: undefined, debian: "i386" },
  { architecture: "ppc64le", variant: undefined, debian: "ppc64el" },
  { architecture: "s390x", variant: undefined, debian: "s390x" },
  { architecture: "riscv64", variant: undefined, debian: "riscv64" },
  { architecture: "mips64le", variant: undefined, debian: "mips64el" },
];

const nameOf = ({ architecture, variant }: DebianPlatform) =>
  `linux/${architecture}${variant === undefined ? "" : `/${variant}`}`;

/**
 * The platform to make an image for: `linux/arm64`, `arm64`, `linux/arm/v7`.
 * @param text the machine's own when undefined
 */
export function debianPlatform(name: string, text: string | undefined): DebianPlatform {
  const wanted = (text ?? hostArchitecture()).toLowerCase();
  const full = wanted.includes("/") ? wanted : `linux/${wanted}`;
  const plain = full === "linux/arm" ? "linux/arm/v7" : full.replace(/^linux\/arm64\/v8$/, "linux/arm64");
  const found = platforms.find((platform) => nameOf(platform) === plain || platform.debian === wanted);
  if (found === undefined) throw errors.bootstrapPlatformUnknown(name, wanted, platforms.map(nameOf).join(", "));
  return found;
}

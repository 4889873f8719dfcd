/** A local volume. */
export type VolumeRecord = {
  readonly name: string;
  readonly driver: "local";
  readonly mountpoint: string;
  readonly createdMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  /** Made without a name by a container; carries Docker's `com.docker.volume.anonymous` label. */
  readonly anonymous: boolean;
};

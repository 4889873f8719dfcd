import * as v from "valibot";

const stringMap = v.nullish(v.record(v.string(), v.string()));

/** The body of `POST /volumes/create`. */
export const createVolumeSchema = v.object({
  Name: v.nullish(v.string()),
  Driver: v.nullish(v.string()),
  DriverOpts: stringMap,
  Labels: stringMap,
  /** A volume of a swarm. */
  ClusterVolumeSpec: v.nullish(v.looseObject({})),
});
/** Body of `POST /volumes/create`. */
export type CreateVolumeBody = v.InferOutput<typeof createVolumeSchema>;

/** The answer of `GET /volumes/{name}`. */
export type VolumeDocument = {
  CreatedAt: string;
  Driver: string;
  Labels: Readonly<Record<string, string>> | null;
  Mountpoint: string;
  Name: string;
  Options: Readonly<Record<string, string>> | null;
  Scope: "local";
  UsageData?: { Size: number; RefCount: number };
};

/** The answer of `GET /volumes`. */
export type VolumeListResponse = { Volumes: VolumeDocument[]; Warnings: string[] | null };

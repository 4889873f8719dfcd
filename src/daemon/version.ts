import manifest from "../../package.json" with { type: "json" };

/** Who this daemon says it is. */
export const version = {
  berth: manifest.version,
  /** Docker Engine API spoken. */
  api: "1.50",
  minimumApi: "1.24",
  /** Docker release whose behaviour clients may expect; they compare versions. */
  compatible: "28.2.2",
} as const;

import { serverErrors } from "../errors.ts";

/** The newest API version spoken, and what an unversioned path means. */
export const MAX_API_VERSION = "1.50";
/** The oldest. */
export const MIN_API_VERSION = "1.24";

/** The minor number of a version: everything spoken is 1.x. */
export type ApiVersion = number;

const newest: ApiVersion = 50;
const oldest: ApiVersion = 24;

/** Splits `/v1.44/containers/json` into its version and the path; throws Docker's words for one out of range. */
export function splitVersion(path: string): { readonly version: ApiVersion; readonly path: string } {
  // Nearly every call: "/v1.NN/…".
  const match = /^\/v(\d+(?:\.\d+)*)(?=\/)/.exec(path);
  if (match === null) return { version: newest, path };
  const text = match[1] ?? "";
  const [major = 0, minor = 0] = text.split(".").map(Number);
  if (major < 1 || (major === 1 && minor < oldest)) throw serverErrors["client-too-old"](text, MIN_API_VERSION);
  if (major > 1 || minor > newest) throw serverErrors["client-too-new"](text, MAX_API_VERSION);
  return { version: minor, path: path.slice(match[0].length) };
}

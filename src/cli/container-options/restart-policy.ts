import type { RestartPolicy } from "#formats";
import { cliErrors } from "../errors.ts";

/** Reads `--restart`: `no`, `always`, `unless-stopped`, `on-failure[:max-retries]`. */
export function parseRestartPolicy(text: string): RestartPolicy {
  if (text === "") return { Name: "no", MaximumRetryCount: 0 };
  const [name = "", count, ...rest] = text.split(":");
  if (name === "") throw cliErrors["bad-option"](`invalid restart policy format: no policy provided before colon`);
  if (rest.length > 0)
    throw cliErrors["bad-option"]("invalid restart policy format: maximum retry count must be an integer");
  if (count !== undefined && !/^\d+$/.test(count)) {
    throw cliErrors["bad-option"]("invalid restart policy format: maximum retry count must be an integer");
  }
  // An unknown name is the daemon's to refuse.
  return { Name: name as RestartPolicy["Name"], MaximumRetryCount: Number(count ?? 0) };
}

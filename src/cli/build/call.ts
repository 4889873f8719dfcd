import { cliErrors } from "../errors.ts";
import { readPairs } from "./pairs.ts";

/** What `--call` asks for instead of an image. */
export type Call = {
  /** The front end's name for the question. */
  readonly request: string;
  readonly format: "text" | "json";
  /** Whether findings leave the exit status alone. */
  readonly ignoresStatus: boolean;
};

const requests: Readonly<Record<string, string>> = {
  check: "frontend.lint",
  lint: "frontend.lint",
  outline: "frontend.outline",
  targets: "frontend.targets",
  "subrequests.describe": "frontend.subrequests.describe",
};

/** Reads `--call METHOD[,format=json][,ignorestatus=true]`; undefined for "build". */
export function readCall(spec: string): Call | undefined {
  const [method = "", ...rest] = spec.split(",");
  const options = rest.length === 0 ? new Map<string, string>() : readPairs("call", rest.join(","));
  const format = options.get("format") ?? "text";
  if (format !== "text" && format !== "json") {
    throw cliErrors["bad-option"](`invalid --call ${JSON.stringify(spec)}: format is one of text and json`);
  }
  const ignore = options.get("ignorestatus") ?? "false";
  if (!/^(?:0|1|true|false)$/.test(ignore)) {
    throw cliErrors["bad-option"](`invalid --call ${JSON.stringify(spec)}: ignorestatus is true or false`);
  }
  const other = [...options.keys()].find((name) => name !== "format" && name !== "ignorestatus");
  if (other !== undefined) {
    throw cliErrors["bad-option"](
      `invalid --call ${JSON.stringify(spec)}: ${other} is none of format and ignorestatus`,
    );
  }
  if (method === "" || method === "build") return undefined;
  const request = Object.hasOwn(requests, method) ? requests[method] : undefined;
  if (request === undefined) {
    const known = ["build", ...Object.keys(requests)].join(", ");
    throw cliErrors["bad-option"](`--call ${method} is not supported: it is one of ${known}`);
  }
  return { request, format, ignoresStatus: ignore === "1" || ignore === "true" };
}

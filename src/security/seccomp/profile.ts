import * as v from "valibot";
import { errors } from "../errors.ts";

const strings = v.nullish(v.array(v.string()));
const unsigned = v.pipe(v.number(), v.integer(), v.minValue(0));
const condition = v.nullish(
  v.object({ caps: strings, arches: strings, minKernel: v.nullish(v.pipe(v.string(), v.regex(/^\d+\.\d+$/))) }),
);

/** Docker's seccomp profile: OCI's, plus conditions on capabilities, architecture and kernel. */
const profileSchema = v.object({
  defaultAction: v.optional(v.string(), ""),
  defaultErrnoRet: v.nullish(unsigned),
  architectures: strings,
  archMap: v.nullish(v.array(v.object({ architecture: v.string(), subArchitectures: strings }))),
  flags: strings,
  syscalls: v.nullish(
    v.array(
      v.object({
        name: v.nullish(v.string()),
        names: strings,
        action: v.string(),
        errnoRet: v.nullish(unsigned),
        args: v.nullish(
          v.array(v.object({ index: unsigned, value: unsigned, valueTwo: v.nullish(unsigned), op: v.string() })),
        ),
        comment: v.nullish(v.string()),
        includes: condition,
        excludes: condition,
      }),
    ),
  ),
});

/** A profile in Docker's format, before it is resolved for a host. */
export type SeccompProfile = v.InferOutput<typeof profileSchema>;

/** Parses the JSON text of a profile. Throws invalid with the place that is wrong. */
export function parseSeccompProfile(text: string): SeccompProfile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw errors.seccompProfileInvalid(error instanceof Error ? error.message : String(error));
  }
  const result = v.safeParse(profileSchema, json);
  if (result.success) return checked(result.output);
  const [issue] = result.issues;
  throw errors.seccompProfileInvalid(`${v.getDotPath(issue) ?? "profile"}: ${issue.message}`);
}

function checked(profile: SeccompProfile): SeccompProfile {
  if ((profile.architectures?.length ?? 0) > 0 && (profile.archMap?.length ?? 0) > 0) {
    throw errors.seccompProfileInvalid(
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
    );
  }
  for (const rule of profile.syscalls ?? []) {
    if (rule.name && (rule.names?.length ?? 0) > 0) {
      throw errors.seccompProfileInvalid(
        "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'",
      );
    }
  }
  return profile;
}

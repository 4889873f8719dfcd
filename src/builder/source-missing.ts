import { newId } from "#base";
import { errors } from "./errors.ts";

/**
 * A source that is not there, in BuildKit's words. BuildKit names the tree it looked in by two ids that nobody can look up;
 * tools match the form.
 */
export function sourceMissing(path: string, hint: string): Error {
  return errors["build-source-missing"](path, hint, `${newId().slice(0, 25)}::${newId().slice(0, 25)}`);
}

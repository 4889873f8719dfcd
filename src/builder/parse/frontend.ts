import { errors } from "../errors.ts";
import { detectDirective } from "./directives.ts";

/**
 * True for what a Dockerfile may name as its front end and means this builder: dockerfile.v0, docker/dockerfile of any
 * version and channel, and copies of it under other names in registries (any/path/dockerfile).
 */
export function isDockerfileFrontend(source: string): boolean {
  if (source === "dockerfile.v0") return true;
  const repository = source.replace(/@.*$/, "").replace(/:[^/:]*$/, "");
  return /^dockerfile(?:-upstream)?$/.test(repository.split("/").at(-1) ?? "");
}

/**
 * Throws when a Dockerfile is written in another language than this builder's: `# syntax=` (or BUILDKIT_SYNTAX, which goes
 * before it) names an image that would have to be run to read it.
 */
export function checkFrontend(text: string, file: string, given: string | null | undefined): void {
  const directive = detectDirective(text, "syntax");
  const source = given === undefined || given === null || given === "" ? directive?.reference : given.split(/\s/)[0];
  if (source === undefined || source === "" || isDockerfileFrontend(source)) return;
  throw errors["build-frontend"](file, source === directive?.reference ? (directive.line ?? 1) : 1, source);
}

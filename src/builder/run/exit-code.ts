/** Notes on an error the exit code of the command that made a build fail; the server puts it into `errorDetail.code`. */
export function withExitCode<Failure extends Error>(error: Failure, exitCode: number): Failure & { exitCode: number } {
  return Object.assign(error, { exitCode });
}

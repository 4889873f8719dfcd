import type { Logger } from "#base";
import type { Access } from "../access/access.ts";
import type { Principal } from "../access/rules.ts";
import type { Metrics } from "../metrics.ts";
import type { Mirror } from "../mirror/mirror.ts";
import type { Repositories } from "../repositories/repositories.ts";
import type { UploadSessions } from "../uploads/sessions.ts";

/** What the endpoints work with. */
export type RegistryParts = {
  readonly repositories: Repositories;
  readonly uploads: UploadSessions;
  readonly access: Access;
  readonly mirror: Mirror | undefined;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly readOnly: boolean;
  readonly deletes: boolean;
  /** Manifests may name what is not here: indexes of which only some platforms are kept. */
  readonly acceptsSparse: boolean;
  /** Largest manifest, in bytes. */
  readonly manifestLimit: number;
};

/** One request as an endpoint sees it. */
export type RegistryCall = {
  readonly parts: RegistryParts;
  readonly request: Request;
  readonly url: URL;
  readonly principal: Principal;
};

/** The methods of one kind of path; HEAD is served by GET's handler, which looks at the method. */
export type Endpoint = Readonly<Partial<Record<string, (call: RegistryCall) => Promise<Response>>>>;

import type { ContainerId, ExecId } from "#base";
import type { CreateExecBody } from "#formats";
import type { Attachment } from "./attachments.ts";

/** An exec as others see it; a snapshot, never live. */
export type ExecView = {
  readonly id: ExecId;
  readonly containerId: ContainerId;
  readonly running: boolean;
  /** null while it has not ended. */
  readonly exitCode: number | null;
  readonly pid: number;
  readonly body: CreateExecBody;
  /** Resolved "uid:gid" text as Docker shows it, i.e. what the client sent. */
  readonly user: string;
  readonly canRemove: boolean;
};

/** Further processes in running containers. */
export type ExecService = {
  create(container: string, body: CreateExecBody): Promise<ExecId>;
  /** Starts it. Detached: resolves without a stream once it runs. */
  start(
    id: string,
    options: {
      readonly detach: boolean;
      readonly terminal?: boolean;
      readonly consoleSize?: { readonly height: number; readonly width: number } | undefined;
    },
  ): Promise<Attachment | undefined>;
  resize(id: string, size: { readonly height: number; readonly width: number }): Promise<void>;
  get(id: string): ExecView;
};

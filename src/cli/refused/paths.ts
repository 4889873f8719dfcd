/** The commands of this folder by group, for the table of commands; nothing else is loaded for it. */
export const refusedPaths: Readonly<Record<string, string>> = {
  checkpoint: "create ls rm",
  config: "create inspect ls rm",
  node: "demote inspect ls promote ps rm update",
  plugin: "create disable enable inspect install push rm set upgrade",
  secret: "create inspect ls rm",
  service: "create inspect logs ls ps rm rollback scale update",
  stack: "config deploy ls ps rm services",
  swarm: "ca init join join-token leave unlock unlock-key update",
  trust: "inspect revoke sign",
  "trust key": "generate load",
  "trust signer": "add remove",
  volume: "update",
};

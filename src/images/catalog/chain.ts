import { type Digest, digestOf } from "#base";

/** Ids of stacks of layers: the bottom layer's diffID, then the hash of what is below and the diffID (OCI config.md, "Layer ChainID"). */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}

export { addMapElements, deleteMapElements, type MapElement, type NftablesTable } from "./elements.ts";
export {
  countNftablesElements,
  fingerprintTable,
  listNftablesChains,
  listNftablesRules,
  type NftablesRule,
  type NftablesChain,
  nftablesGeneration,
} from "./inspect.ts";
export { type NameServerRedirect, redirectNameServer } from "./redirect.ts";
export { runNft } from "./run.ts";

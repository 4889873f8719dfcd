export { addMapElements, deleteMapElements, type MapElement } from "./elements.ts";
export {
  countNftablesElements,
  fingerprintTable,
  listNftablesChains,
  listNftablesRules,
  type NftablesRule,
  type NftablesChain,
  nftablesGeneration,
} from "./inspect.ts";
export { runNft } from "./run.ts";

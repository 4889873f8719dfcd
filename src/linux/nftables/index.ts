export { addMapElements, deleteMapElements, type MapElement } from "./elements.ts";
export {
  countNftablesElements,
  fingerprintTable,
  listNftablesChains,
  type NftablesChain,
  nftablesGeneration,
} from "./inspect.ts";
export { type Nftables, openNftables } from "./run.ts";

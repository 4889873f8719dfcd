export {
  changeModeAt,
  changeModeOf,
  changeOwnerAt,
  renameAt,
  setTimesAt,
  setTimesOf,
  tryLinkAt,
  tryMakeDirectoryAt,
  tryMakeNodeAt,
  tryRemoveDirectoryAt,
  tryRenameAt,
  trySymlinkAt,
  tryUnlinkAt,
} from "./change.ts";
export { copyTree, type CopyTreeOptions } from "./copy-tree.ts";
export { readDirectory } from "./directory.ts";
export {
  carriedAttributesAt,
  findAttributeAt,
  listAttributesAt,
  trySetAttributeAt,
  trySetAttributeOf,
} from "./extended-attributes.ts";
export {
  AT_FDCWD,
  closeFd,
  O,
  openAt,
  openDirectory,
  openInRoot,
  pathOfFd,
  readLinkAt,
  RESOLVE,
  tryOpenAt,
  tryOpenInRoot,
} from "./open.ts";
export { fromByteString, toByteString } from "./path-buffer.ts";
export { giveToContainers, letContainersThrough } from "./remapped.ts";
export { removeTreeAt } from "./remove.ts";
export {
  FILE_TYPE,
  type FileStatus,
  type FileTypeName,
  fileTypeName,
  findStatusAt,
  S_IFMT,
  statusOf,
} from "./status.ts";
export { createProjectLimits } from "./project-limits.ts";
export { hasProjectQuota, projectOf } from "./project-quota.ts";
export { spreadDirectoriesIn } from "./spread.ts";
export { syncFileSystem } from "./sync.ts";

export { mount, MOUNT_FLAG, unmount } from "./mount.ts";
export { mountOverlayByContext, mountOverlayByOptions, type OverlayMount } from "./overlay.ts";

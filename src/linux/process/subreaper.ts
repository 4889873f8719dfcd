import { SYS, syscall } from "../ffi/index.ts";

// include/uapi/linux/prctl.h
const PR_SET_CHILD_SUBREAPER = 36;

/** Makes this process the parent of every orphan among its descendants; prctl(2), PR_SET_CHILD_SUBREAPER. */
export function becomeSubreaper(): void {
  syscall("prctl PR_SET_CHILD_SUBREAPER", SYS.prctl, PR_SET_CHILD_SUBREAPER, 1);
}

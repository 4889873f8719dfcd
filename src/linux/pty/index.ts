export { setNonBlocking, setWindowSize } from "./window.ts";

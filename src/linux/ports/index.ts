export { findPortHolder, type PortHolder } from "./holder.ts";
export { type PortReservation, reservePort } from "./reserve.ts";

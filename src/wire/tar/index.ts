export { type TarEntryType, TarError, type TarHeader, type TarLimits, tarPaddingOf } from "./header.ts";
export { createTarParser, type TarParser, type TarVisitor } from "./reader.ts";
export { encodeTarHeader, plainTarHeader, tarEnd } from "./writer.ts";

export {
  duplicateDescriptor,
  growPipe,
  makeFifo,
  openFifoBlockingReader,
  openFifoForOutput,
  openFifoReader,
  openFifoWriter,
} from "./fifo.ts";
export { punchHole, readInto, splicePipeToFile, WOULD_BLOCK, writeFrom } from "./transfer.ts";

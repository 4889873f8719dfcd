export {
  duplicateDescriptor,
  growPipe,
  makeFifo,
  openFifoBlockingReader,
  openFifoForOutput,
  openFifoReader,
  openFifoRelay,
  openFifoWriter,
} from "./fifo.ts";
export { punchHole, readInto, spliceIntoPipe, splicePipeToFile, WOULD_BLOCK, writeFrom } from "./transfer.ts";

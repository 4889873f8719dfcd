export { createStdioDemuxer, type StdioDemuxer } from "./demuxer.ts";
export { reframe } from "./reframe.ts";
export { encodeFrame, FRAME_HEADER_BYTES, STDIO, type StdioStream, writeFrameHeader } from "./frame.ts";

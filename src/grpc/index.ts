export { bytes, type Field, flag, int32, int64, int64Exact, many, map, one, text, uint32 } from "./fields.ts";
export { type Message, message, nested, type ValueOf } from "./message.ts";
export { createGrpcClient, type GrpcCallOptions, type GrpcClient, type GrpcStream } from "./client.ts";
export {
  createGrpcServer,
  duplexStream,
  type GrpcCall,
  type GrpcMethods,
  type GrpcServer,
  serverStream,
  unary,
} from "./server.ts";
export { firstOf, type Metadata } from "./metadata.ts";
export { GrpcError, type StatusName, statusCodes, statusName } from "./status.ts";

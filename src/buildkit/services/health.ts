import { type GrpcMethods, int32, message, one, text, unary } from "#grpc";

/** The service `grpc.health.v1.Health`: serving (1), whatever is asked about. */
export const healthMethods: GrpcMethods = {
  "/grpc.health.v1.Health/Check": unary(message({ service: one(1, text) }), message({ status: one(1, int32) }), () => ({
    status: 1,
  })),
};

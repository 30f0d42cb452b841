export { createGrpcHandler, GrpcSessionHandler, type GrpcSession } from "./handler.ts";

export { isDecidedHeader } from "./decided-headers.ts";
export {
  createOpenApiHandler,
  OpenApiSessionHandler,
  type OpenApiHandlerOptions,
  type OpenApiSession,
} from "./handler.ts";
export type {
  Encoding,
  FileValue,
  MediaType,
  Operation,
  Pagination,
  Parameter,
  ParameterPlace,
  ParameterStyle,
  RequestBody,
  ResponseDeclaration,
} from "./operation.ts";
export { PROVIDER } from "./traits.ts";

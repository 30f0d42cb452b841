/** The public door of the library. */
export { checkCapabilities, createEnvironment } from "./environment.ts";
export type { CapabilityShelf, CCOSEnvironment, EnvironmentOptions, RunOptions } from "./environment.ts";

export { CcosError, ERROR_TABLE, EventQueue, isCcosError } from "./kernel/index.ts";
export type {
  Answer,
  Asker,
  Clock,
  ErrorCode,
  ErrorJson,
  ErrorOptions,
  ErrorPlace,
  ErrorTraits,
  EventQueueOptions,
  FormChoice,
  FormField,
  FormQuestion,
  Interaction,
  JsonObject,
  JsonValue,
  LinkQuestion,
  Question,
  Random,
  Root,
  RuntimeEvents,
  StreamEvent,
  Unsubscribe,
} from "./kernel/index.ts";

export {
  CapabilityMarketplace,
  CapabilityRegistry,
  flattenMetadata,
  nativeCapability,
  reportOf,
  requiresSession,
} from "./capability/index.ts";
export type {
  CallOptions,
  CallOutcome,
  CallPolicies,
  CallReport,
  CallResult,
  Caller,
  EventStream,
  Manifest,
  RetryOptions,
  SessionUse,
  StreamReport,
} from "./capability/index.ts";
export { createMcpHandler, MCPSessionHandler } from "./providers/mcp/index.ts";
export type { McpHandlerOptions } from "./providers/mcp/index.ts";

export { importGrpc, importMcp, importOpenApi, watchMcp } from "./importers/index.ts";
export type {
  ImportGrpcOptions,
  ImportMcpOptions,
  WatchMcpOptions,
  ImportOpenApiOptions,
  ImportOptions,
  ImportResult,
  NotImported,
} from "./importers/index.ts";

export { SessionPoolManager } from "./session/index.ts";
export type {
  FailureContext,
  HandlerTraits,
  Opened,
  SecretUse,
  Session,
  SessionCall,
  SessionCapability,
  SessionContext,
  SessionHandler,
  SessionId,
  SessionInfo,
  SignInDesk,
  SignInDialog,
  SignIns,
  SignInState,
  Target,
  TargetContext,
} from "./session/index.ts";

export type { Limits, Value } from "./rtfs/index.ts";

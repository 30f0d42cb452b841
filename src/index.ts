/** The public door of the library. */
export { checkCapabilities, createEnvironment } from "./environment.ts";
export type { CapabilityShelf, CCOSEnvironment, EnvironmentOptions, RunOptions } from "./environment.ts";

export { CcosError, ERROR_TABLE, isCcosError } from "./kernel/index.ts";
export type {
  Clock,
  ErrorCode,
  ErrorJson,
  ErrorOptions,
  ErrorPlace,
  ErrorTraits,
  JsonObject,
  JsonValue,
  Random,
  RuntimeEvents,
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
  Manifest,
  RetryOptions,
  SessionUse,
} from "./capability/index.ts";
export { createMcpHandler, MCPSessionHandler } from "./providers/mcp/index.ts";
export type { McpHandlerOptions } from "./providers/mcp/index.ts";

export { importMcp } from "./importers/index.ts";
export type { ImportMcpOptions, ImportOptions, ImportResult, NotImported } from "./importers/index.ts";

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
  Target,
  TargetContext,
} from "./session/index.ts";

export type { Limits, Value } from "./rtfs/index.ts";

export { detectProvider, type DetectedProvider } from "./detect-provider.ts";
export type { SessionProbe, TargetExplanation, VariableUse } from "./explain-target.ts";
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
  SignInDialog,
  SignIns,
  SignInState,
  Target,
  TargetContext,
} from "./handler.ts";
export { checkSettings } from "./resolve-settings.ts";
export type { SessionInfo } from "./session-info.ts";
export {
  resolveSessionPolicy,
  type ResolvedSessionPolicy,
  type SessionPolicy,
  type SessionScope,
} from "./session-policy.ts";
export { createSignInDesk, type SignInDesk } from "./sign-in-desk.ts";
export type { CloseOptions, OpenOptions, SessionPoolManagerOptions } from "./manager-options.ts";
export { SessionDirectory, type SessionDirectoryOptions } from "./session-directory.ts";
export { SessionPoolManager, type SessionId } from "./session-pool-manager.ts";

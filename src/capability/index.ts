export {
  attachReport,
  reportOf,
  type CallContext,
  type Caller,
  type CallOptions,
  type CallOutcome,
  type CallReport,
  type ManifestTraits,
  type SessionDelegate,
  type SessionUse,
} from "./call.ts";
export type { Execution, Manifest, NativeContext, NativeFunction, Origin, ProviderBlock } from "./manifest.ts";

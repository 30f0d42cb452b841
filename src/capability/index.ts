export {
  attachReport,
  reportOf,
  type CallContext,
  type Caller,
  type CallOptions,
  type CallOutcome,
  type CallPolicies,
  type CallReport,
  type EventSink,
  type EventStream,
  type ManifestTraits,
  type RetryOptions,
  type SessionDelegate,
  type SessionUse,
  type StreamReport,
} from "./call.ts";
export { checkPrograms, type ProgramFindings } from "./check-programs.ts";
export { createMarketplace, type CreateMarketplaceOptions } from "./create-marketplace.ts";
export { normaliseEffect, normaliseEffects } from "./effects.ts";
export { flattenMetadata } from "./flatten-metadata.ts";
export type { ProgramHostOptions } from "./host.ts";
export { loadCapabilities, type LoadCapabilitiesOptions, type LoadedCapabilities } from "./load-capabilities.ts";
export type { Execution, Manifest, NativeContext, NativeFunction, Origin, ProviderBlock } from "./manifest.ts";
export {
  CapabilityMarketplace,
  type CallResult,
  type MarketplaceCallOptions,
  type MarketplaceOptions,
} from "./marketplace.ts";
export { moduleFiles } from "./module-files.ts";
export { nativeCapability, outputTo, type NativeDeclaration, type OutputSinks } from "./native/index.ts";
export { preludeBindings } from "./prelude.ts";
export { requiresSession, type ProviderKnowledge } from "./provider-block.ts";
export {
  describeOrigin,
  readCapabilities,
  type ReadCapabilities,
  type ReadCapabilitiesOptions,
} from "./read-capabilities.ts";
export type { ReadWarning } from "./field-reader.ts";
export { CapabilityRegistry, type LocalCall } from "./registry.ts";
export { effectsOf, Security, type SecurityLevel, type SecurityOptions } from "./security.ts";
export { writeCapability, type WritableManifest } from "./write-capability.ts";

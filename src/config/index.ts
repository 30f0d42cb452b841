export { forEndpoint } from "./endpoints.ts";
export { loadModule } from "./load-module.ts";
export { CONFIG_FILE, loadConfig, type LoadConfigOptions, type LoadedConfig } from "./load.ts";
export { COMMAND_ORIGIN, isLoopback, normaliseOrigin } from "./origins.ts";
export { anchored, exists, requireExisting, signInFolder, userFolder } from "./paths.ts";
export type { Config } from "./schema.ts";
export {
  createSecrets,
  type CapabilitySecrets,
  type Secrets,
  type SecretsFor,
  type SecretsOptions,
} from "./secrets.ts";
export { createTrustStore, type TrustOptions, type TrustRecord, type TrustStore } from "./trust.ts";

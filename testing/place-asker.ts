import type { JsonObject } from "../src/kernel/index.ts";
import type { SecretUse, SessionCapability, TargetContext } from "../src/session/handler.ts";

/** What was asked for while a target was read. */
export interface AskedFor {
  readonly secrets: [name: string, use: SecretUse][];
  readonly endpoints: [origin: string, variable: string][];
}

/** A view of an environment that grants everything and notes what was asked. */
export function askingContext(
  env: Readonly<Record<string, string>> = {},
  configured: JsonObject = {},
): TargetContext & { readonly asked: AskedFor } {
  const asked: AskedFor = { secrets: [], endpoints: [] };
  return {
    asked,
    variable: (name) => env[name],
    secret(name, use) {
      asked.secrets.push([name, use]);
      if (use.fallbackOrigins !== undefined && !use.fallbackOrigins.includes(use.origin)) return undefined;
      return env[name];
    },
    authorizeEndpoint: (origin, variable) => void asked.endpoints.push([origin, variable]),
    authorizeCommand: () => {},
    endpointSettings: () => configured,
  };
}

/** A capability whose block is flattened as the core does it. */
export function capabilityWith(provider: string, block: JsonObject, trusted = true): SessionCapability {
  const metadata = Object.create(null) as Record<string, string>;
  const flatten = (prefix: string, value: unknown): void => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) flatten(`${prefix}_${key}`, inner);
    } else metadata[prefix] = Array.isArray(value) ? JSON.stringify(value) : String(value);
  };
  flatten(provider, block);
  return { id: `${provider}.thing.read`, metadata, block, idempotent: undefined, trusted };
}

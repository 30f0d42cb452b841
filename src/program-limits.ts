import type { LoadedConfig } from "./config/index.ts";
import { DEFAULT_LIMITS, type Limits } from "./rtfs/index.ts";

const NAMES: Readonly<Record<string, keyof Limits>> = {
  max_steps: "maxSteps",
  max_depth: "maxDepth",
  timeout_ms: "timeoutMs",
  max_collection_size: "maxCollectionSize",
  max_output_size: "maxOutputSize",
  max_heap_growth: "maxHeapGrowth",
};

/**
 * The limits of programs, as the configuration has them. One that was only found in the working directory may lower
 * what holds by default, and raise nothing: it comes with the programs that the limits are there for.
 */
export function programLimits({ config, trusted }: Pick<LoadedConfig, "config" | "trusted">): Limits {
  const limits: { -readonly [K in keyof Limits]: number } = { ...DEFAULT_LIMITS };
  for (const [key, value] of Object.entries(config.limits ?? {})) {
    const name = NAMES[key];
    if (name === undefined || value === undefined) continue;
    limits[name] = trusted ? value : Math.min(value, DEFAULT_LIMITS[name]);
  }
  return limits;
}

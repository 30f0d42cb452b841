import { CcosError } from "../kernel/index.ts";
import type { CallOptions } from "./call.ts";
import type { Manifest } from "./manifest.ts";

export type DefaultTimeout = number | ((manifest: Manifest) => number | undefined) | undefined;

/** Time for a call, in milliseconds: its own limit, or the manifest's, or the default. */
export function timeoutMsOf(manifest: Manifest, options: CallOptions, defaultTimeoutMs: DefaultTimeout): number {
  const declared = Number(manifest.flatMetadata["timeout_ms"] ?? Number.NaN);
  const fallback = typeof defaultTimeoutMs === "function" ? defaultTimeoutMs(manifest) : defaultTimeoutMs;
  const own = options.timeoutMs ?? (declared > 0 ? declared : (fallback ?? 30_000));
  if (own > 0) return own;
  throw new CcosError("invalid-argument", `A timeout is a number of milliseconds above 0, not ${own}.`, {
    remedy: "Leave it out for the default, or give Infinity for none.",
  });
}

/** The same for a call that gives events: those may come for days, and only their consumer can say how long is too long. */
export function streamTimeoutMsOf(manifest: Manifest, options: CallOptions, ordinaryMs: number): number {
  return manifest.execution.kind === "provider" ? (options.timeoutMs ?? Infinity) : ordinaryMs;
}

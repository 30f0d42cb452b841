import { CcosError } from "../kernel/index.ts";
import type { Target } from "./handler.ts";

export interface PoolCounts {
  readonly open: number;
  readonly opening: number;
  readonly active: number;
  readonly pending: number;
}

/** No session in time, or no place in the line. Its cause is the latest failure to open one. */
export function acquireTimeout(message: string, counts: PoolCounts, cause: CcosError | undefined): CcosError {
  return new CcosError("acquire-timeout", message, {
    remedy: "Call less at once, raise :max_sessions or :max_in_flight, or give more time with :acquire_timeout_ms.",
    details: { ...counts },
    cause,
  });
}

export function poolClosed(target: Target): CcosError {
  return new CcosError("pool-closed", `The sessions with ${target.endpoint} are being closed.`, {
    remedy: "Call before the environment is closed, or create another environment.",
  });
}

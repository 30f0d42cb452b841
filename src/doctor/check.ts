import { toCcosError } from "../kernel/index.ts";

/**
 * - `ok`: it is as it should be.
 * - `note`: worth knowing, and nothing fails of it by itself.
 * - `problem`: calls fail of it.
 * - `skipped`: not looked at; the message says why.
 */
export type CheckStatus = "ok" | "note" | "problem" | "skipped";

/** One thing that was looked at. */
export interface Check {
  /** What was looked at: one of few words, such as `tcp`. */
  readonly name: string;
  readonly status: CheckStatus;
  readonly message: string;
  /** What to do about it. */
  readonly remedy?: string | undefined;
  /** How long looking took, in milliseconds, where something was waited for. */
  readonly durationMs?: number | undefined;
}

export function problem(name: string, error: unknown, durationMs?: number): Check {
  const { message, remedy, code } = toCcosError(error);
  return {
    name,
    status: "problem",
    message: `${code}: ${message}`,
    remedy,
    ...(durationMs !== undefined && { durationMs }),
  };
}

export function hasProblem(checks: readonly Check[]): boolean {
  return checks.some(({ status }) => status === "problem");
}

import { toCcosError } from "../kernel/index.ts";
import { EXIT } from "./command-context.ts";
import { UsageError } from "./usage-error.ts";

export function exitCodeOf(error: unknown): number {
  return error instanceof UsageError ? EXIT.usage : toCcosError(error).traits.exitCode;
}

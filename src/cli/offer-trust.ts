import { isCcosError, oneLine } from "../kernel/index.ts";
import type { CommandContext } from "./command-context.ts";

/**
 * Asks at the terminal whether to trust what an error says is not trusted, and records a yes.
 * False where there is nothing to trust, nobody to ask, or the answer is no.
 */
export async function offerTrust(error: unknown, context: CommandContext): Promise<boolean> {
  const { ask, signal, output } = context;
  if (ask === undefined || context.options.quiet === true || signal.aborted) return false;
  if (!isCcosError(error) || error.code !== "permission-denied") return false;
  const path = error.details?.["trustPath"];
  if (typeof path !== "string") return false;
  output.problem(oneLine(error.message));
  const answer = await ask(`Trust ${oneLine(path)} as it is now? [y/N] `, signal).catch(() => "");
  if (!/^\s*y(?:es)?\s*$/i.test(answer)) return false;
  const { createTrustStore } = await import("../config/index.ts");
  await createTrustStore(context).trust(path);
  return true;
}

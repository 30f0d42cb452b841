import { createInterface } from "node:readline/promises";
import { isCcosError, oneLine } from "../kernel/index.ts";
import type { CommandContext } from "./command-context.ts";

/**
 * Asks at the terminal whether to trust what an error says is not trusted, and records a yes.
 * False where there is nothing to trust, nobody to ask, or the answer is no.
 */
export async function offerTrust(error: unknown, context: CommandContext): Promise<boolean> {
  if (!context.interactive || context.options.quiet === true || context.signal.aborted) return false;
  const path = isCcosError(error) && error.code === "permission-denied" ? error.details?.["trustPath"] : undefined;
  if (!isCcosError(error) || typeof path !== "string") return false;
  context.output.problem(oneLine(error.message));
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`Trust ${path} as it is now? [y/N] `, { signal: context.signal });
    if (!/^\s*y(?:es)?\s*$/i.test(answer)) return false;
  } catch {
    return false;
  } finally {
    terminal.close();
  }
  const { createTrustStore } = await import("../config/index.ts");
  await createTrustStore(context).trust(path);
  return true;
}

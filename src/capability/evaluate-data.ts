import { CcosError } from "../kernel/index.ts";
import { compile, type Form, type Limits, type Value } from "../rtfs/index.ts";

/** Enough to put a few texts together; a file that is only being looked at may take no more. */
const SMALL: Partial<Limits> = { maxSteps: 100_000, maxDepth: 200, timeoutMs: 500, maxCollectionSize: 100_000 };

/**
 * The value of a form of a capability file that is meant as data: computed without a host, so that nothing
 * outside can be reached, at once, and within small limits.
 */
export function evaluateData(form: Form): Value {
  const value = compile([form]).run({ limits: SMALL, sliceMs: Number.POSITIVE_INFINITY });
  if (value instanceof Promise) {
    value.catch(() => {});
    throw new CcosError("eval-error", "Data in a capability file may not wait for anything.");
  }
  return value;
}

import { CcosError } from "../kernel/index.ts";
import { compile, type Form, type Limits, type Value } from "../rtfs/index.ts";

/** Enough to put a few texts together; a file that is only being looked at may take no more. */
const SMALL: Partial<Limits> = { maxSteps: 100_000, maxDepth: 200, timeoutMs: 500, maxCollectionSize: 100_000 };
/** What one loading may spend on all its files together, in milliseconds. */
const ALL_MS = 3_000;

export type DataEvaluator = (form: Form) => Value;

/**
 * Gives the values of forms of capability files that are meant as data: computed without a host, so that nothing
 * outside can be reached, at once, and within small limits. There may be very many of such forms, so what all of
 * them take is limited too.
 */
export function createDataEvaluator(): DataEvaluator {
  let spentMs = 0;
  return (form) => {
    if (spentMs > ALL_MS) {
      throw new CcosError("eval-error", `Computing the data of these files takes more than ${ALL_MS} ms.`, {
        remedy: "Write data as it is instead of computing it.",
      });
    }
    const start = performance.now();
    try {
      return evaluateData(form);
    } finally {
      spentMs += performance.now() - start;
    }
  };
}

function evaluateData(form: Form): Value {
  const value = compile([form]).run({ limits: SMALL, sliceMs: Number.POSITIVE_INFINITY });
  if (value instanceof Promise) {
    value.catch(() => {});
    throw new CcosError("eval-error", "Data in a capability file may not wait for anything.");
  }
  return value;
}

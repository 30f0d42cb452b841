import { fail } from "../kernel/index.ts";
import { POLICY_ORDER, type Policy, type PolicyCall } from "./policy.ts";

/**
 * Several policies as one function around the work, in the fixed order whatever order they are given in.
 * Two of one name are a mistake of the wiring.
 */
export function composePolicies(
  policies: readonly Policy[],
): <T>(call: PolicyCall, work: () => Promise<T>) => Promise<T> {
  const ordered = POLICY_ORDER.flatMap((name) => {
    const named = policies.filter((policy) => policy.name === name);
    if (named.length > 1) fail("invalid-argument", `The policy "${name}" is given ${named.length} times.`);
    return named;
  });
  return (call, work) => {
    let run = work;
    for (const policy of ordered.toReversed()) {
      const inner = run;
      run = () => policy.execute(call, inner);
    }
    return run();
  };
}

import { fail, type JsonValue, type RateNews } from "../kernel/index.ts";
import { POLICY_ORDER, type Policy, type PolicyCall, type Work } from "./policy.ts";

/** Policies as two functions: around a whole call, and around one attempt of it on a session. */
export interface PolicyChain {
  readonly aroundCall: (call: PolicyCall, work: Work) => Promise<JsonValue>;
  readonly aroundAttempt: (call: PolicyCall, work: Work) => Promise<JsonValue>;
  /** Tells the policies what the peer said of its limit. */
  readonly learn: (call: PolicyCall, news: RateNews) => void;
}

const AT_LEASE = POLICY_ORDER.indexOf("lease");

/**
 * Several policies as one chain, in the fixed order whatever order they are given in. One that has nothing to
 * do with a call costs that call a question. Two of one name are a mistake of the wiring.
 */
export function composePolicies(policies: readonly Policy[]): PolicyChain {
  const inOrder = (names: readonly string[]): Policy[] =>
    names.flatMap((name) => {
      const named = policies.filter((policy) => policy.name === name);
      if (named.length > 1) fail("invalid-argument", `The policy "${name}" is given ${named.length} times.`);
      return named;
    });
  return {
    aroundCall: nest(inOrder(POLICY_ORDER.slice(0, AT_LEASE))),
    aroundAttempt: nest(inOrder(POLICY_ORDER.slice(AT_LEASE + 1))),
    learn(call, news) {
      for (const policy of policies) policy.learn?.(call, news);
    },
  };
}

function nest(ordered: readonly Policy[]): (call: PolicyCall, work: Work) => Promise<JsonValue> {
  const fromInside = ordered.toReversed();
  return (call, work) => {
    let run = work;
    for (const policy of fromInside) {
      if (policy.applies !== undefined && !policy.applies(call)) continue;
      const inner = run;
      run = (given) => policy.execute(given, inner);
    }
    return run(call);
  };
}

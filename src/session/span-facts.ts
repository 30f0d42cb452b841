import type { SpanAttributes } from "../kernel/index.ts";
import type { SessionHandler, Target } from "./handler.ts";
import type { PooledSession } from "./pooled-session.ts";

/** What the conventions of a protocol say of a call, for those who trace it. */
export interface SpanFacts {
  readonly spanName: string | undefined;
  readonly attributes: SpanAttributes | undefined;
}

const NOTHING: SpanFacts = { spanName: undefined, attributes: undefined };

// Every call of a target on a session has the same ones, and they are asked for at every call.
const known = new WeakMap<PooledSession, WeakMap<Target, SpanFacts>>();

export function spanFacts({ traits }: SessionHandler, session: PooledSession, target: Target): SpanFacts {
  if (traits?.spanAttributes === undefined && traits?.spanName === undefined && session.attributes === undefined)
    return NOTHING;
  let ofSession = known.get(session);
  if (ofSession === undefined) known.set(session, (ofSession = new WeakMap()));
  let facts = ofSession.get(target);
  if (facts === undefined) {
    facts = {
      spanName: traits?.spanName?.(target),
      attributes: { ...traits?.spanAttributes?.(target), ...session.attributes },
    };
    ofSession.set(target, facts);
  }
  return facts;
}

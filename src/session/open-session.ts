import { CcosError, createId, oneLine, untilAborted, type Redactor } from "../kernel/index.ts";
import { endSession } from "./end-session.ts";
import type { KeptOpened } from "./kept-sessions.ts";
import { part } from "./part-session.ts";
import type { Opened, Target } from "./handler.ts";
import { sessionContext, type PoolOptions } from "./pool-surroundings.ts";
import { PooledSession } from "./pooled-session.ts";

/** Sessions opened together must not all end together: each may end earlier by up to this part of its lifetime. */
const MOST_EARLY = 1 / 40;
/** Characters of what a peer says of itself. */
const LONGEST_DESCRIPTION = 120;

export interface OpenRequest {
  readonly target: Target;
  readonly maxInFlight: number;
  readonly openTimeoutMs: number;
  /** 0 for no limit. */
  readonly maxLifetimeMs: number;
  /** Aborted when the pool gives the opening up. */
  readonly opening: AbortController;
  /** The session has died on its own; may come before the opening is over. */
  readonly lost: (session: PooledSession, reason: string) => void;
  /** Called with work that goes on after the opening was given up, so that closing can wait for it. */
  readonly alsoWaitFor: (work: Promise<void>) => void;
}

/** Opens one session by its handler, in bounded time. Rejects with what the handler threw. */
export async function openSession(around: PoolOptions, request: OpenRequest): Promise<PooledSession> {
  const { handler, clock, random, redactor } = around;
  const { target, opening, openTimeoutMs } = request;
  let session: PooledSession | undefined;
  let lostEarly: string | undefined;
  const { events } = around;
  const offerChanged = (what: string): void => {
    if (session !== undefined) events.emit("offerChanged", { ...session.describe(), what: oneLine(what, 60) });
  };
  const context = sessionContext(
    around,
    opening.signal,
    (reason) => {
      if (session === undefined) lostEarly = reason;
      else request.lost(session, reason);
    },
    // Hearing of changes costs a connection with some peers, so only where somebody listens.
    events.hears("offerChanged") ? offerChanged : undefined,
  );
  const admit = ({ opened, kept, resumed }: KeptOpened): PooledSession => {
    for (const secret of opened.secrets ?? []) redactor.add(secret);
    const openedMonotonic = clock.monotonic();
    const lifetimeMs = request.maxLifetimeMs * (1 - MOST_EARLY * random.next());
    const openedAt = kept?.record.openedAt ?? clock.now();
    const ageMs = Math.max(0, clock.now() - openedAt);
    const facts = {
      id: kept?.record.id ?? createId("s"),
      kept,
      provider: handler.provider,
      target,
      context,
      maxInFlight: request.maxInFlight,
      // One that was open before finds every call reusing it.
      openedSequence: resumed ? 0 : around.nextSequence(),
      openedAt,
      openedMonotonic,
      retireAt: request.maxLifetimeMs === 0 ? Infinity : openedMonotonic - ageMs + lifetimeMs,
    };
    // What a peer says of itself may be what it was sent.
    const { description } = opened;
    return new PooledSession(
      facts,
      description === undefined ? opened : { ...opened, description: describeOpened(redactor, description) },
    );
  };
  const timer = clock.setTimer(openTimeoutMs, () => opening.abort(tooSlow(target, openTimeoutMs)));
  try {
    // An opening that was given up and succeeds all the same will never be used, so it is ended.
    const endLate = (late: KeptOpened): void => request.alsoWaitFor(giveUp(around, admit(late)));
    const initialize = (): Promise<Opened<unknown>> => handler.initializeSession(target, context);
    const opened =
      around.kept === undefined
        ? initialize().then((fresh): KeptOpened => ({ opened: fresh, resumed: false }))
        : around.kept.open({ context, initialize });
    session = admit(await untilAborted(opened, opening.signal, endLate));
  } finally {
    timer.cancel();
  }
  if (lostEarly !== undefined) {
    request.alsoWaitFor(endSession(around, session, "lost while opening"));
    throw new CcosError(
      "unavailable",
      `The session with ${target.endpoint} was lost while it was opened: ${lostEarly}`,
    );
  }
  return session;
}

/** Secrets are taken out before the text is cut: half of one would not be known as one. */
function describeOpened(redactor: Redactor, description: string): string {
  return oneLine(redactor.redact(description), LONGEST_DESCRIPTION);
}

function giveUp(around: PoolOptions, session: PooledSession): Promise<void> {
  part(around, session, "ended");
  return endSession(around, session, "given up");
}

function tooSlow(target: Target, openTimeoutMs: number): CcosError {
  return new CcosError(
    "unavailable",
    `Opening a session with ${target.endpoint} took longer than ${openTimeoutMs} ms.`,
    {
      remedy: "Check that the peer answers, or give it more time with :open_timeout_ms.",
    },
  );
}

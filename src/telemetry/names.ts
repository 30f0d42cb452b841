/** Every name this room gives to the outside. Dashboards and alerts are built on them: change one knowingly. */

/** Of the tracer and of the meter. */
export const SCOPE = "ccos";

export const SPANS = {
  /** A call of a capability; the id follows. */
  call: "ccos.call",
  /** One execution on a session, where the protocol has no name for it; the operation follows. */
  attempt: "ccos.attempt",
} as const;

/** Events of a call's span: what policies did with it. */
export const SPAN_EVENTS = {
  retry: "ccos.retry",
  delayed: "ccos.delayed",
  refused: "ccos.refused",
  cacheHit: "ccos.cache.hit",
  shared: "ccos.shared",
} as const;

export const ATTRIBUTES = {
  capability: "ccos.capability.id",
  attempts: "ccos.call.attempts",
  events: "ccos.call.events",
  attempt: "ccos.attempt",
  provider: "ccos.provider",
  sessionId: "ccos.session.id",
  sessionReused: "ccos.session.reused",
  sessionState: "ccos.session.state",
  sessionWaitMs: "ccos.session.wait_ms",
  /** The code of an error; `outcome-unknown` says that a call may have run. */
  error: "error.type",
  policy: "ccos.policy",
  /** Why a policy refused. */
  cause: "ccos.cause",
  delayMs: "ccos.delay_ms",
  /** `hit`, `stale` or `miss`. */
  cacheResult: "ccos.cache.result",
  breakerState: "ccos.breaker.state",
  serverAddress: "server.address",
  serverPort: "server.port",
  status: "http.response.status_code",
} as const;

export const METRICS = {
  sessions: {
    name: "ccos.sessions",
    unit: "{session}",
    description: "Sessions that are open or being ended, by state.",
  },
  opens: { name: "ccos.session.opens", unit: "{session}", description: "Sessions opened, and openings that failed." },
  openDuration: { name: "ccos.session.open.duration", unit: "s", description: "How long opening a session took." },
  reuses: {
    name: "ccos.session.reuses",
    unit: "{call}",
    description: "Calls served by a session that was open before they came.",
  },
  losses: { name: "ccos.session.losses", unit: "{session}", description: "Sessions that their peer no longer knew." },
  closes: { name: "ccos.session.closes", unit: "{session}", description: "Sessions ended." },
  waits: { name: "ccos.session.waits", unit: "{call}", description: "Calls that had to wait for a session." },
  acquireDuration: {
    name: "ccos.session.acquire.duration",
    unit: "s",
    description: "How long calls that had to wait for a session waited.",
  },
  activeCalls: { name: "ccos.call.active", unit: "{call}", description: "Calls under way." },
  callDuration: {
    name: "ccos.call.duration",
    unit: "s",
    description: "How long calls took, waits and replays included.",
  },
  attempts: { name: "ccos.call.attempts", unit: "{attempt}", description: "Executions on a session." },
  replays: {
    name: "ccos.call.replays",
    unit: "{attempt}",
    description: "Executions after the first one of the same call.",
  },
  rejections: {
    name: "ccos.call.rejections",
    unit: "{call}",
    description: "Calls that failed before anything of them was executed, by the code of their error.",
  },
  refusals: {
    name: "ccos.policy.refusals",
    unit: "{refusal}",
    description: "Calls and retries that a policy refused, by cause.",
  },
  delays: { name: "ccos.policy.delays", unit: "{call}", description: "Calls that a policy had wait for their turn." },
  retries: {
    name: "ccos.call.retries",
    unit: "{retry}",
    description: "Calls that failed and were run again by the retry policy.",
  },
  shared: {
    name: "ccos.call.shared",
    unit: "{call}",
    description: "Calls that were given the answer of an identical one.",
  },
  cacheLookups: {
    name: "ccos.cache.lookups",
    unit: "{call}",
    description: "Calls that looked for a kept answer, by what they found.",
  },
  breakerChanges: {
    name: "ccos.breaker.changes",
    unit: "{change}",
    description: "Changes of circuit breakers, by the state they came to.",
  },
} as const;

/** Bounds of the histograms, in seconds. */
export const DURATION_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

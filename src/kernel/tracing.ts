/** Facts of a span, by their names. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/**
 * How a trace goes with an attempt of a call: into the libraries a handler uses, and on to the peer. It belongs to
 * that one attempt; the session it runs on is shared by calls of other traces.
 */
export interface AttemptTrace {
  /** What tells the peer of the trace, by the names of W3C Trace Context; undefined where nothing is to be told. */
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** Does the work as a part of the attempt, so that spans begun in it are the attempt's children. */
  run<T>(work: () => T): T;
}

export interface CallTracing {
  /** The attempt of this call that `attemptStarted` has just told of; undefined where nobody traces it. */
  attempt(callId: string): AttemptTrace | undefined;
}

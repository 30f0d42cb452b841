import type { Context, Link, Span, Tracer } from "@opentelemetry/api";
import {
  oneLine,
  type AttemptTrace,
  type ErrorJson,
  type Redactor,
  type RuntimeEvents,
  type SpanAttributes,
} from "../kernel/index.ts";
import type { Api } from "./api.ts";
import { ATTRIBUTES, SCOPE, SPAN_EVENTS, SPANS } from "./names.ts";

interface TracedAttempt {
  readonly number: number;
  readonly span: Span;
  readonly context: Context;
  ended: boolean;
}

interface TracedCall {
  readonly span: Span;
  readonly context: Context;
}

/** Of W3C Trace Context. Baggage stays here: what an application keeps in it is not meant for every peer. */
const CARRIED = ["traceparent", "tracestate"] as const;
const LONGEST_ID = 200;

/** A span for each call, and a child for each of its executions on a session. */
export class SpanRecorder {
  readonly #api: Api;
  readonly #redactor: Redactor;
  readonly #tracer: Tracer;
  readonly #calls = new Map<string, TracedCall>();
  /** The latest attempt of each call that has had one. */
  readonly #attempts = new Map<string, TracedAttempt>();

  constructor(api: Api, redactor: Redactor) {
    this.#api = api;
    this.#redactor = redactor;
    this.#tracer = api.trace.getTracer(SCOPE);
  }

  callStarted({ callId, capabilityId, parentId }: RuntimeEvents["callStarted"]): void {
    const { trace, context } = this.#api;
    const parent = (parentId === undefined ? undefined : this.#calls.get(parentId)?.context) ?? context.active();
    const id = oneLine(capabilityId, LONGEST_ID);
    const span = this.#tracer.startSpan(`${SPANS.call} ${id}`, { attributes: { [ATTRIBUTES.capability]: id } }, parent);
    this.#calls.set(callId, { span, context: trace.setSpan(parent, span) });
  }

  callEnded(event: RuntimeEvents["callEnded"]): void {
    const { callId, sessionId, reused } = event;
    const call = this.#calls.get(callId);
    if (call === undefined) return;
    const { span } = call;
    span.setAttribute(ATTRIBUTES.attempts, event.attempts);
    if (event.events !== undefined) span.setAttribute(ATTRIBUTES.events, event.events);
    if (sessionId !== undefined) span.setAttribute(ATTRIBUTES.sessionId, sessionId);
    if (reused !== undefined) span.setAttribute(ATTRIBUTES.sessionReused, reused);
    this.#end(span, event.error);
    this.#calls.delete(callId);
    // Others may wait for an execution whose own caller has left: that one ends by itself.
    if (this.#attempts.get(callId)?.ended === true) this.#attempts.delete(callId);
  }

  attemptStarted(event: RuntimeEvents["attemptStarted"]): void {
    const { callId, attempt } = event;
    const { trace, context, SpanKind } = this.#api;
    // What brings a kept answer up to date runs after the call that caused it.
    const parent = this.#calls.get(callId)?.context ?? context.active();
    const before = this.#attempts.get(callId);
    const links: Link[] = before === undefined ? [] : [{ context: before.span.spanContext() }];
    const attributes = {
      ...serverOf(event.endpoint),
      ...event.attributes,
      [ATTRIBUTES.capability]: event.capabilityId,
      [ATTRIBUTES.provider]: event.provider,
      [ATTRIBUTES.sessionId]: event.sessionId,
      [ATTRIBUTES.attempt]: attempt,
      ...(event.waitedMs > 0 && { [ATTRIBUTES.sessionWaitMs]: event.waitedMs }),
    };
    const name = oneLine(event.spanName ?? `${SPANS.attempt} ${event.operation}`, LONGEST_ID);
    const span = this.#tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes, links }, parent);
    this.#attempts.set(callId, { number: attempt, span, context: trace.setSpan(parent, span), ended: false });
  }

  attemptEnded({ callId, attempt, error }: RuntimeEvents["attemptEnded"]): void {
    const traced = this.#attempts.get(callId);
    if (traced?.number !== attempt) return;
    this.#end(traced.span, error);
    traced.ended = true;
    // Kept until the call ends, for the link of a replay; without its call nothing would let go of it.
    if (!this.#calls.has(callId)) this.#attempts.delete(callId);
  }

  retryScheduled({ callId, delayMs, error }: RuntimeEvents["retryScheduled"]): void {
    this.#note(callId, SPAN_EVENTS.retry, { [ATTRIBUTES.delayMs]: delayMs, [ATTRIBUTES.error]: error.code });
  }

  callDelayed({ callId, policy, waitMs }: RuntimeEvents["callDelayed"]): void {
    this.#note(callId, SPAN_EVENTS.delayed, {
      [ATTRIBUTES.policy]: policy,
      ...(waitMs !== undefined && { [ATTRIBUTES.delayMs]: waitMs }),
    });
  }

  callRefused({ callId, policy, cause }: RuntimeEvents["callRefused"]): void {
    this.#note(callId, SPAN_EVENTS.refused, { [ATTRIBUTES.policy]: policy, [ATTRIBUTES.cause]: cause });
  }

  cacheHit({ callId, stale }: RuntimeEvents["cacheHit"]): void {
    this.#note(callId, SPAN_EVENTS.cacheHit, { [ATTRIBUTES.cacheResult]: stale ? "stale" : "hit" });
  }

  /** The attempts are those of another call; its span is where they are found. */
  callShared({ callId, leaderId }: RuntimeEvents["callShared"]): void {
    this.#note(callId, SPAN_EVENTS.shared, {});
    const leader = this.#calls.get(leaderId);
    if (leader !== undefined) this.#calls.get(callId)?.span.addLink({ context: leader.span.spanContext() });
  }

  /** The latest attempt of a call, for its handler and its peer. */
  attempt(callId: string): AttemptTrace | undefined {
    const traced = this.#attempts.get(callId);
    if (traced === undefined) return undefined;
    const { context, propagation } = this.#api;
    const injected: Record<string, unknown> = {};
    propagation.inject(traced.context, injected);
    const headers: Record<string, string> = {};
    for (const name of CARRIED) {
      const value = injected[name];
      if (typeof value === "string" && value !== "") headers[name] = value;
    }
    return {
      headers: headers[CARRIED[0]] === undefined ? undefined : headers,
      run: (work) => context.with(traced.context, work),
    };
  }

  /** Ends what is still open: nothing more will be told. */
  close(): void {
    for (const { span, ended } of this.#attempts.values()) if (!ended) span.end();
    for (const { span } of this.#calls.values()) span.end();
    this.#attempts.clear();
    this.#calls.clear();
  }

  #note(callId: string, name: string, attributes: SpanAttributes): void {
    this.#calls.get(callId)?.span.addEvent(name, attributes);
  }

  #end(span: Span, error: ErrorJson | undefined): void {
    if (error !== undefined) {
      span.setAttribute(ATTRIBUTES.error, error.code);
      const status = error.details?.["status"];
      if (typeof status === "number") span.setAttribute(ATTRIBUTES.status, status);
      span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: oneLine(this.#redactor.redact(error.message)) });
    }
    span.end();
  }
}

/** Where a call goes, as every protocol's conventions name it; nothing for what is no address. */
function serverOf(endpoint: string): Record<string, string | number> {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(endpoint) || !URL.canParse(endpoint)) return {};
  const { hostname, port } = new URL(endpoint);
  return {
    ...(hostname !== "" && { [ATTRIBUTES.serverAddress]: hostname }),
    ...(port !== "" && { [ATTRIBUTES.serverPort]: Number(port) }),
  };
}

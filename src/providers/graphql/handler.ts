import { channel } from "node:diagnostics_channel";

import type { Agent } from "undici";

import { Authorizer, createDispatcher } from "../../http/index.ts";
import { fail, oneLine, type CcosError, type JsonValue, type StreamEvent } from "../../kernel/index.ts";
import type {
  FailureContext,
  Opened,
  Session,
  SessionCall,
  SessionCapability,
  SessionContext,
  SessionHandler,
  Target,
  TargetContext,
} from "../../session/handler.ts";
import type { Connection } from "./connect.ts";
import { classify } from "./map-error.ts";
import { readValue } from "./map-value.ts";
import type { Operations } from "./operations.ts";
import { rateNewsOf } from "./rate-news.ts";
import type { GraphqlRequest } from "./request.ts";
import { readTarget, settingsOf } from "./target.ts";
import { PROVIDER, TRAITS } from "./traits.ts";
import type { ResponseError } from "./wire-error.ts";

const PROBE_TIMEOUT_MS = 5000;

/** Sessions with GraphQL servers: over HTTP, with subscriptions over a WebSocket or server-sent events. */
export class GraphQLSessionHandler implements SessionHandler<Connection> {
  readonly provider = PROVIDER;
  readonly traits = TRAITS;

  readonly #authorizer = new Authorizer({ dispatcher: () => this.#connections() });
  #dispatcher: Promise<Agent> | undefined;
  #operations: Operations | undefined;

  target(capability: SessionCapability, context: TargetContext): Target {
    return readTarget(capability, context);
  }

  async initializeSession(target: Target, context: SessionContext): Promise<Opened<Connection>> {
    const [{ connect }, { Operations }] = await Promise.all([import("./connect.ts"), import("./operations.ts")]);
    this.#operations ??= new Operations();
    const dispatcher = await this.#connections();
    const connection = await connect(target, { context, dispatcher, authorizer: this.#authorizer });
    return { state: connection, expiresAt: connection.expiresAt };
  }

  async executeWithSession(
    session: Session<Connection>,
    call: SessionCall,
    context: SessionContext,
  ): Promise<JsonValue> {
    const { operation, onError, method, persistedQueries } = settingsOf(call.target);
    const { kind, resultField } = operation;
    if (kind === "subscription") onlyAsStream(call);
    const request = await this.#prepare(session, call, context);
    const { response, http, retryAfterMs } = await session.state.ask(request, {
      method: kind === "query" ? method : "POST",
      persisted: persistedQueries,
      signal: call.signal,
      sent: () => call.sent(),
      // Whoever watches our HTTP client adds the headers of a trace by itself; twice, they would be worth nothing.
      headers: httpRequests.hasSubscribers ? undefined : call.headers,
    });
    const news = call.limited && rateNewsOf(response, http, context.clock.now());
    if (news !== undefined) call.limited?.(news);
    if (onError === "data" && response.data != null && response.errors.length > 0)
      warnOf(response.errors, call, context);
    return readValue(response, { kind, resultField, onError, retryAfterMs, status: http?.status });
  }

  async terminateSession({ state: connection, lost }: Session<Connection>, { signal }: SessionContext): Promise<void> {
    if (!lost) await connection.logOut(signal);
    await connection.close();
  }

  classifyFailure(error: unknown, failure: FailureContext): CcosError {
    return classify(error, failure);
  }

  renewCredentials(target: Target, context: SessionContext): Promise<boolean> {
    return this.#authorizer.renew(settingsOf(target).place, context);
  }

  probe(session: Session<Connection>, context: SessionContext): Promise<boolean> {
    return session.state.isAlive(AbortSignal.any([context.signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]));
  }

  stream(session: Session<Connection>, call: SessionCall, context: SessionContext): AsyncIterable<StreamEvent> {
    if (settingsOf(call.target).operation.kind !== "subscription") return this.#result(session, call, context);
    return session.state.subscribe(call, () => this.#prepare(session, call, context));
  }

  /** Lets go of the connections that sessions shared. Called once nothing is open any more. */
  async close(): Promise<void> {
    this.#operations?.close();
    const dispatcher = await this.#dispatcher;
    this.#dispatcher = undefined;
    await dispatcher?.destroy();
  }

  async *#result(
    session: Session<Connection>,
    call: SessionCall,
    context: SessionContext,
  ): AsyncGenerator<StreamEvent> {
    yield { type: "result", value: await this.executeWithSession(session, call, context) };
  }

  #connections(): Promise<Agent> {
    return (this.#dispatcher ??= createDispatcher());
  }

  #prepare(
    { state: connection }: Session<Connection>,
    call: SessionCall,
    { clock }: SessionContext,
  ): GraphqlRequest | Promise<GraphqlRequest> {
    return (this.#operations as Operations).request(call, clock, (query, signal) =>
      connection.askSchema(query, signal),
    );
  }
}

/** The handler, ready to register. Opens nothing and loads nothing heavy until the first session. */
export function createGraphqlHandler(): GraphQLSessionHandler {
  return new GraphQLSessionHandler();
}

/** What the value does not tell. */
function warnOf(errors: readonly ResponseError[], { target }: SessionCall, context: SessionContext): void {
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  context.warn(`${target.operation} at ${target.endpoint}: ${oneLine(errors[0]?.message ?? "an error")}${more}`);
}

const httpRequests = channel("undici:request:create");

function onlyAsStream(call: SessionCall): never {
  return fail(
    "invalid-argument",
    `${JSON.stringify(call.capability.id)} is a subscription: it gives events, and no value.`,
    {
      remedy: "Take its events: ccos call --stream, env.stream(…), or :on-event in a program.",
    },
  );
}

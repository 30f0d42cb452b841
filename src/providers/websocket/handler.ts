import { Authorizer, createDispatcher } from "../../http/index.ts";
import { fail, type CcosError, type JsonValue, type StreamEvent } from "../../kernel/index.ts";
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
import type { Connection } from "./connection.ts";
import { classify } from "./map-error.ts";
import { readAnswer } from "./map-value.ts";
import { renderRequest, type RequestId } from "./request.ts";
import { readTarget, type WebSocketSettings } from "./target.ts";
import type { Scope } from "./template.ts";
import { PROVIDER, TRAITS } from "./traits.ts";

export interface WebSocketHandlerOptions {
  /** Time for the connection, what the peer says first, and the login together, in milliseconds. Default 30000. */
  readonly openTimeoutMs?: number | undefined;
  /** The wall clock for what peers say of time. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** The state of a session; only this folder looks inside. */
export interface WebSocketSession {
  readonly connection: Connection;
  readonly token: string | undefined;
}

const PROBE_TIMEOUT_MS = 5000;

/** Sessions that are sockets: requests and their answers, and streams of events. */
export class WebSocketSessionHandler implements SessionHandler<WebSocketSession> {
  readonly provider = PROVIDER;
  readonly traits = TRAITS;

  readonly #openTimeoutMs: number;
  readonly #now: () => number;
  #dispatcher: ReturnType<typeof createDispatcher> | undefined;
  readonly #authorizer = new Authorizer({ dispatcher: () => (this.#dispatcher ??= createDispatcher()) });

  constructor(options: WebSocketHandlerOptions = {}) {
    this.#openTimeoutMs = options.openTimeoutMs ?? 30_000;
    this.#now = options.now ?? Date.now;
  }

  target(capability: SessionCapability, context: TargetContext): Target {
    return readTarget(capability, context);
  }

  async initializeSession(target: Target, context: SessionContext): Promise<Opened<WebSocketSession>> {
    const { connect } = await import("./connect.ts");
    const { place, wire } = target.settings as WebSocketSettings;
    const { headers, expiresAt } = await this.#authorizer.open(place, context);
    const token = target.credentials["token"] ?? /^Bearer (.+)$/.exec(headers["authorization"] ?? "")?.[1];
    const opened = await connect(target, context, { openTimeoutMs: this.#openTimeoutMs, headers, token });
    const { connection } = opened;
    const ends = [expiresAt, opened.expiresAt].filter((at) => at !== undefined);
    return {
      state: { connection, token },
      description: opened.description,
      expiresAt: ends.length === 0 ? undefined : Math.min(...ends),
      attributes: { "websocket.correlation": wire.correlation.kind },
    };
  }

  async executeWithSession(
    { state }: Session<WebSocketSession>,
    call: SessionCall,
    context: SessionContext,
  ): Promise<JsonValue> {
    const { operation, wire } = call.target.settings as WebSocketSettings;
    const { connection } = state;
    const { request, subscription, answer, reading, cancel } = operation;
    if (subscription !== undefined && answer !== "last") return this.#collect(state, call, context);
    if (request === undefined) fail("internal", `${operation.name} sends nothing and listens to nothing.`);
    const scope: Scope = { input: call.input, values: { $login: connection.login, $token: state.token } };
    const givenUp = (id: RequestId): void => {
      if (cancel === undefined) return;
      const filled: Scope = { input: call.input, values: { ...scope.values, $id: id } };
      const message = (): JsonValue => renderRequest(cancel, wire.correlation, filled, undefined, operation.name);
      connection.ask({ message, answered: false, operation: operation.name }).catch(() => {});
    };
    const message = await connection.ask(
      {
        message: (id) => renderRequest(request, wire.correlation, scope, id, operation.name),
        answered: answer !== "none",
        operation: operation.name,
        signal: call.signal,
        sent: () => call.sent(),
      },
      givenUp,
    );
    return answer === "none" ? null : readAnswer(message, reading, wire.correlation);
  }

  async *stream(
    session: Session<WebSocketSession>,
    call: SessionCall,
    context: SessionContext,
  ): AsyncIterable<StreamEvent> {
    const { operation } = call.target.settings as WebSocketSettings;
    const { subscription } = operation;
    const { connection, token } = session.state;
    if (subscription === undefined) {
      yield { type: "result", value: await this.executeWithSession(session, call, context) };
      return;
    }
    const { streamEvents } = await import("./subscription.ts");
    yield* streamEvents({ connection, operation, subscription, call, clock: context.clock, token });
  }

  terminateSession({ state, lost }: Session<WebSocketSession>, context: SessionContext): Promise<void> {
    return state.connection.close(lost ? AbortSignal.abort() : context.signal);
  }

  classifyFailure(error: unknown, failure: FailureContext): CcosError {
    return classify(error, failure, this.#now());
  }

  renewCredentials(target: Target, context: SessionContext): Promise<boolean> {
    return this.#authorizer.renew((target.settings as WebSocketSettings).place, context);
  }

  async probe({ state: { connection } }: Session<WebSocketSession>, context: SessionContext): Promise<boolean> {
    return connection.answersPing(PROBE_TIMEOUT_MS, context.signal);
  }

  /** Lets go of the connections over which tokens were fetched. */
  async close(): Promise<void> {
    const dispatcher = await this.#dispatcher;
    this.#dispatcher = undefined;
    await dispatcher?.destroy();
  }

  /** A subscription that is called like a function: all its values, where something says that it is over. */
  async #collect(
    { connection, token }: WebSocketSession,
    call: SessionCall,
    { clock }: SessionContext,
  ): Promise<JsonValue> {
    const { operation } = call.target.settings as WebSocketSettings;
    const subscription = operation.subscription as NonNullable<typeof operation.subscription>;
    const id = JSON.stringify(call.capability.id);
    if (subscription.complete === undefined) {
      fail("invalid-argument", `${id} gives events for as long as somebody takes them, and no result.`, {
        remedy: "Call it as a stream: ccos call --stream, env.stream, or :on-event in a program.",
      });
    }
    const { streamEvents } = await import("./subscription.ts");
    const values: JsonValue[] = [];
    for await (const event of streamEvents({ connection, operation, subscription, call, clock, token })) {
      if (event.type !== "data") continue;
      values.push(event.value);
      if (values.length > subscription.maxBufferedEvents) {
        fail("interrupted", `${id} gave more than ${subscription.maxBufferedEvents} events.`, {
          remedy: "Call it as a stream, or raise :max_buffered_events.",
        });
      }
    }
    return values;
  }
}

/** The handler, ready to register. Opens nothing and loads nothing heavy until the first session. */
export function createWebSocketHandler(options: WebSocketHandlerOptions = {}): WebSocketSessionHandler {
  return new WebSocketSessionHandler(options);
}

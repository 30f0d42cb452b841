import type { Dispatcher } from "undici";

import { fail, type CcosError, type JsonObject, type JsonValue, type StreamEvent } from "../../kernel/index.ts";
import { Authorizer, createDispatcher } from "../../http/index.ts";
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
import type * as Executing from "./execute.ts";
import type { Connected, Connection, ConnectOptions } from "./connect.ts";
import { classify } from "./map-error.ts";
import { recordOf } from "./session-record.ts";
import { readTarget, type RestSettings } from "./target.ts";
import { PROVIDER, TRAITS } from "./traits.ts";

export interface OpenApiHandlerOptions {
  /** Time for logging in, in milliseconds. Default 30000. */
  readonly openTimeoutMs?: number | undefined;
}

/** The state of a session; only this folder looks inside. */
export interface OpenApiSession {
  readonly connection: Connection;
}

const TERMINATE_TIMEOUT_MS = 5_000;

/** Sessions with HTTP services that are described by OpenAPI, or by hand in its words. */
export class OpenApiSessionHandler implements SessionHandler<OpenApiSession> {
  readonly provider = PROVIDER;
  readonly traits = TRAITS;

  readonly #openTimeoutMs: number;
  readonly #authorizer = new Authorizer({ dispatcher: () => this.#connections() });
  #dispatcher: Promise<Dispatcher> | undefined;

  constructor(options: OpenApiHandlerOptions = {}) {
    this.#openTimeoutMs = options.openTimeoutMs ?? 30_000;
  }

  target(capability: SessionCapability, context: TargetContext): Target {
    return readTarget(capability, context);
  }

  async initializeSession(target: Target, context: SessionContext): Promise<Opened<OpenApiSession>> {
    const { connect } = await import("./connect.ts");
    return opened(await connect(target, await this.#connectOptions(), context));
  }

  executeWithSession(
    { state: { connection } }: Session<OpenApiSession>,
    call: SessionCall,
    context: SessionContext,
  ): Promise<JsonValue> {
    // Loaded with the first call, and then at hand without another turn.
    if (execution !== undefined) return execution.execute(connection, call, context);
    return loadExecution().then(({ execute }) => execute(connection, call, context));
  }

  async *stream(
    session: Session<OpenApiSession>,
    call: SessionCall,
    context: SessionContext,
  ): AsyncGenerator<StreamEvent> {
    const { streamPages } = await import("./stream.ts");
    yield* streamPages(session.state.connection, call, context);
  }

  async terminateSession(session: Session<OpenApiSession>, context: SessionContext): Promise<void> {
    const { connection } = session.state;
    if (session.lost || connection.login?.plan.logout === undefined) return;
    const { logOut } = await import("./session-request.ts");
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(TERMINATE_TIMEOUT_MS)]);
    // A peer that is gone has ended the session by itself.
    await logOut(connection, session.target.settings as RestSettings, signal).catch(() => {});
  }

  classifyFailure(error: unknown, failure: FailureContext): CcosError {
    return classify(error, failure);
  }

  renewCredentials(target: Target, context: SessionContext): Promise<boolean> {
    return this.#authorizer.renew((target.settings as RestSettings).place, context);
  }

  async probe(session: Session<OpenApiSession>, context: SessionContext): Promise<boolean> {
    const { probePath } = session.target.settings as RestSettings;
    if (probePath === undefined) return true;
    const { probe } = await import("./session-request.ts");
    return probe(session.state.connection, session.target.settings as RestSettings, probePath, context.signal);
  }

  snapshot(session: Session<OpenApiSession>): JsonObject | undefined {
    return recordOf(session.state.connection);
  }

  async restore(snapshot: JsonObject, target: Target, context: SessionContext): Promise<Opened<OpenApiSession>> {
    const { reconnect } = await import("./connect.ts");
    const connected = await reconnect(snapshot, target, await this.#connectOptions(), context);
    if (connected === undefined) fail("session-lost", "The record of the session is unreadable.");
    return opened(connected);
  }

  /** Lets go of the connections that sessions shared. Called once nothing is open any more. */
  async close(): Promise<void> {
    const dispatcher = this.#dispatcher;
    this.#dispatcher = undefined;
    await (await dispatcher)?.destroy();
  }

  #connections(): Promise<Dispatcher> {
    this.#dispatcher ??= createDispatcher();
    return this.#dispatcher;
  }

  async #connectOptions(): Promise<ConnectOptions> {
    return { dispatcher: await this.#connections(), authorizer: this.#authorizer, openTimeoutMs: this.#openTimeoutMs };
  }
}

type Execution = typeof Executing;
let execution: Execution | undefined;

async function loadExecution(): Promise<Execution> {
  execution ??= await import("./execute.ts");
  return execution;
}

function opened({ connection, expiresAt }: Connected): Opened<OpenApiSession> {
  return { state: { connection }, expiresAt };
}

/** The handler, ready to register. Opens nothing and loads nothing heavy until the first session. */
export function createOpenApiHandler(options: OpenApiHandlerOptions = {}): OpenApiSessionHandler {
  return new OpenApiSessionHandler(options);
}

import type { Agent } from "undici";

import { createDispatcher, SignInStore } from "../../http/index.ts";
import { fail, type CcosError, type JsonObject, type JsonValue, type StreamEvent } from "../../kernel/index.ts";
import type {
  FailureContext,
  Opened,
  Session,
  SessionCall,
  SessionCapability,
  SessionContext,
  SessionHandler,
  SignIns,
  Target,
  TargetContext,
} from "../../session/handler.ts";
import { SessionAuthorizer } from "./authorization.ts";
import type { Connection, ConnectOptions } from "./connect.ts";
import { challengeOf } from "./credential-remedy.ts";
import { classify } from "./map-error.ts";
import { VerdictMemory } from "./negotiate.ts";
import { CallRunner } from "./run-call.ts";
import { McpSignIns } from "./sign-ins.ts";
import { readRecord } from "./session-record.ts";
import { readTarget, secretsOf } from "./target.ts";
import { PROVIDER, TRAITS } from "./traits.ts";
import { streamCall } from "./stream-call.ts";

export interface McpHandlerOptions {
  /** Time for finding out the era and for the handshake together, in milliseconds. Default 30000. */
  readonly openTimeoutMs?: number | undefined;
  /** The wall clock for what is remembered of servers. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Where sign-ins are kept. Default: nowhere, and nobody can sign in. */
  readonly signInFolder?: string | undefined;
}

/** The state of a session; only this folder looks inside. */
export interface McpSession {
  readonly connection: Connection;
}

const PROBE_TIMEOUT_MS = 5000;

/** Sessions with MCP servers of every revision: over Streamable HTTP, HTTP+SSE, or with a child process. */
export class MCPSessionHandler implements SessionHandler<McpSession> {
  readonly provider = PROVIDER;
  readonly traits = TRAITS;
  readonly signIns: SignIns;

  readonly #openTimeoutMs: number;
  readonly #now: () => number;
  readonly #verdicts: VerdictMemory;
  readonly #calls: CallRunner;
  readonly #store: SignInStore | undefined;
  readonly #authorizer: SessionAuthorizer;
  #dispatcher: Promise<Agent> | undefined;

  constructor(options: McpHandlerOptions = {}) {
    this.#openTimeoutMs = options.openTimeoutMs ?? 30_000;
    this.#now = options.now ?? Date.now;
    this.#verdicts = new VerdictMemory(this.#now);
    this.#calls = new CallRunner(this.#verdicts);
    const dispatcher = (): Promise<Agent> => this.#connections();
    const store = options.signInFolder === undefined ? undefined : new SignInStore(options.signInFolder);
    this.#store = store;
    this.#authorizer = new SessionAuthorizer({ dispatcher, store });
    this.signIns = new McpSignIns({ dispatcher, store, authorizer: this.#authorizer });
  }

  target(capability: SessionCapability, context: TargetContext): Target {
    return readTarget(capability, context, this.#store);
  }

  async initializeSession(target: Target, context: SessionContext): Promise<Opened<McpSession>> {
    const { connect } = await import("./connect.ts");
    this.#hide(target, context);
    const authorized = await this.#authorizer.open(target, context);
    const connection = await connect(authorized.target, await this.#connectOptions(context));
    return { ...this.#opened(connection, context), expiresAt: authorized.expiresAt };
  }

  executeWithSession(session: Session<McpSession>, call: SessionCall, context: SessionContext): Promise<JsonValue> {
    return this.#calls.run(session.state.connection, call, context);
  }

  stream(session: Session<McpSession>, call: SessionCall, context: SessionContext): AsyncIterable<StreamEvent> {
    return streamCall(this.#calls, session.state.connection, call, context);
  }

  async terminateSession(session: Session<McpSession>, context: SessionContext): Promise<void> {
    const { transport } = session.state.connection;
    if (!session.lost) await transport.terminate(context.signal);
    await transport.close();
  }

  classifyFailure(error: unknown, failure: FailureContext): CcosError {
    const challenge = challengeOf(error);
    if (challenge !== undefined) this.#authorizer.heard(failure.target, challenge);
    return classify(error, failure);
  }

  renewCredentials(target: Target, context: SessionContext): Promise<boolean> {
    return this.#authorizer.renew(target, context);
  }

  async probe(session: Session<McpSession>, context: SessionContext): Promise<boolean> {
    const { transport, meta } = session.state.connection;
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]);
    const method = meta === undefined ? "ping" : "server/discover";
    try {
      const answer = await transport.request(method, meta && { _meta: meta }, { signal });
      // A server without a ping has answered, and so lives; one that lost the session says so otherwise.
      return "result" in answer || answer.error.code === -32601;
    } catch {
      return false;
    }
  }

  snapshot(session: Session<McpSession>): JsonObject | undefined {
    const { connection } = session.state;
    if (connection.kind !== "http") return undefined;
    return connection.record();
  }

  async restore(snapshot: JsonObject, target: Target, context: SessionContext): Promise<Opened<McpSession>> {
    const record = readRecord(snapshot);
    if (record === undefined) fail("session-lost", "The record of the session is unreadable.");
    const { reconnect } = await import("./connect.ts");
    this.#hide(target, context);
    const authorized = await this.#authorizer.open(target, context);
    const connection = await reconnect(authorized.target, record, await this.#connectOptions(context));
    return { ...this.#opened(connection, context), expiresAt: authorized.expiresAt };
  }

  /** Lets go of the connections that sessions shared. Called once nothing is open any more. */
  async close(): Promise<void> {
    const dispatcher = this.#dispatcher;
    this.#dispatcher = undefined;
    await (await dispatcher)?.destroy();
  }

  #connections(): Promise<Agent> {
    this.#dispatcher ??= createDispatcher();
    return this.#dispatcher;
  }

  async #connectOptions(context: SessionContext): Promise<ConnectOptions> {
    return {
      dispatcher: await this.#connections(),
      verdicts: this.#verdicts,
      now: this.#now,
      openTimeoutMs: this.#openTimeoutMs,
      signal: context.signal,
      lost: (reason) => context.lost(reason),
      warn: (message) => context.warn(message),
      interaction: context.interaction,
      offerChanged: context.offerChanged,
    };
  }

  #hide(target: Target, context: SessionContext): void {
    for (const secret of secretsOf(target)) context.addSecret(secret);
  }

  #opened(connection: Connection, context: SessionContext): Opened<McpSession> {
    const { secrets } = connection.transport;
    for (const secret of secrets) context.addSecret(secret);
    return {
      state: { connection },
      description: connection.description,
      attributes: { "mcp.protocol.version": connection.protocolVersion },
      secrets,
    };
  }
}

/** The handler, ready to register. Opens nothing and loads nothing heavy until the first session. */
export function createMcpHandler(options: McpHandlerOptions = {}): MCPSessionHandler {
  return new MCPSessionHandler(options);
}

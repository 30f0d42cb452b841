import { channel } from "node:diagnostics_channel";

import type { Agent } from "undici";

import { createDispatcher } from "../../http/index.ts";
import { fail, getOwn, isJsonObject, type CcosError, type JsonObject, type JsonValue } from "../../kernel/index.ts";
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
import type { Connection, ConnectOptions } from "./connect.ts";
import { classify } from "./map-error.ts";
import { readToolResult } from "./map-value.ts";
import { VerdictMemory } from "./negotiate.ts";
import { ParamHeaderCache, paramHeaders, scanParamHeaders } from "./param-headers.ts";
import { readRecord } from "./session-record.ts";
import { readTarget, secretsOf } from "./target.ts";
import { PROVIDER, TRAITS } from "./traits.ts";
import type { RpcAnswer } from "./transport.ts";
import { WireError } from "./wire-error.ts";

export interface McpHandlerOptions {
  /** Time for finding out the era and for the handshake together, in milliseconds. Default 30000. */
  readonly openTimeoutMs?: number | undefined;
  /** The wall clock for what is remembered of servers. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** The state of a session; only this folder looks inside. */
export interface McpSession {
  readonly connection: Connection;
}

const HEADER_MISMATCH = -32020;
const PROBE_TIMEOUT_MS = 5000;

/** Sessions with MCP servers of every revision: over Streamable HTTP, HTTP+SSE, or with a child process. */
export class MCPSessionHandler implements SessionHandler<McpSession> {
  readonly provider = PROVIDER;
  readonly traits = TRAITS;

  readonly #openTimeoutMs: number;
  readonly #now: () => number;
  readonly #verdicts: VerdictMemory;
  readonly #paramHeaders = new ParamHeaderCache();
  /** Input schemas by session and tool, where a server complained of missing headers. */
  readonly #learned = new WeakMap<Connection, Map<string, string>>();
  #dispatcher: Promise<Agent> | undefined;

  constructor(options: McpHandlerOptions = {}) {
    this.#openTimeoutMs = options.openTimeoutMs ?? 30_000;
    this.#now = options.now ?? Date.now;
    this.#verdicts = new VerdictMemory(this.#now);
  }

  target(capability: SessionCapability, context: TargetContext): Target {
    return readTarget(capability, context);
  }

  async initializeSession(target: Target, context: SessionContext): Promise<Opened<McpSession>> {
    const { connect } = await import("./connect.ts");
    this.#hide(target, context);
    return this.#opened(await connect(target, await this.#connectOptions(context)), context);
  }

  async executeWithSession(
    session: Session<McpSession>,
    call: SessionCall,
    context: SessionContext,
  ): Promise<JsonValue> {
    const { connection } = session.state;
    const { transport } = connection;
    const params: JsonObject = { name: call.target.operation, arguments: readArguments(call) };
    const meta = withTrace(connection.meta, call.headers);
    if (meta !== undefined) params["_meta"] = meta;
    const send = (): Promise<RpcAnswer> =>
      transport.request("tools/call", params, {
        signal: call.signal,
        headers: withTrace(this.#headersFor(connection, call), carriesOwnTrace(connection) ? undefined : call.headers),
        sent: () => call.sent(),
        limited: call.limited,
      });
    let answer: RpcAnswer;
    try {
      answer = await send();
      // Refused before anything was done; the schema says which headers the tool wants.
      if (headersWanted(answer) && (await this.#learnHeaders(connection, call))) answer = await send();
    } catch (error) {
      if (!headersWanted(error)) throw this.#failed(error, connection);
      if (!(await this.#learnHeaders(connection, call))) throw this.#failed(error, connection);
      answer = await send().catch((again: unknown) => Promise.reject(this.#failed(again, connection)));
    }
    if ("error" in answer) {
      throw this.#failed(new WireError({ kind: "rpc", error: answer.error }, transport.state), connection);
    }
    return this.#read(answer.result, connection, call, context);
  }

  async terminateSession(session: Session<McpSession>, context: SessionContext): Promise<void> {
    const { client, transport } = session.state.connection;
    if (!session.lost) await transport.terminate(context.signal);
    await client.close().catch(() => {});
    await transport.close();
  }

  classifyFailure(error: unknown, failure: FailureContext): CcosError {
    return classify(error, failure);
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
    return this.#opened(await reconnect(target, record, await this.#connectOptions(context)), context);
  }

  /** Lets go of the connections that sessions shared. Called once nothing is open any more. */
  async close(): Promise<void> {
    const dispatcher = this.#dispatcher;
    this.#dispatcher = undefined;
    await (await dispatcher)?.destroy();
  }

  async #connectOptions(context: Pick<SessionContext, "signal" | "lost">): Promise<ConnectOptions> {
    this.#dispatcher ??= createDispatcher();
    return {
      dispatcher: await this.#dispatcher,
      verdicts: this.#verdicts,
      now: this.#now,
      openTimeoutMs: this.#openTimeoutMs,
      signal: context.signal,
      lost: (reason) => context.lost(reason),
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

  #headersFor(connection: Connection, call: SessionCall): Record<string, string> | undefined {
    if (connection.era !== "modern" || connection.kind !== "http") return undefined;
    const schema =
      this.#learned.get(connection)?.get(call.target.operation) ??
      getOwn(call.capability.metadata, `${PROVIDER}_input_schema_json`);
    if (schema === undefined) return undefined;
    const declared = this.#paramHeaders.of(schema);
    if (!declared.ok) {
      fail(
        "rejected",
        `The definition of ${call.target.operation} at ${call.target.endpoint} breaks the protocol: ${declared.reason}.`,
        {
          remedy: "Such a tool must not be called over HTTP; its author has to correct it.",
        },
      );
    }
    return declared.headers.length === 0 ? undefined : paramHeaders(declared.headers, call.input);
  }

  async #learnHeaders(connection: Connection, call: SessionCall): Promise<boolean> {
    const { listTools } = await import("./describe.ts");
    const tools = await listTools(connection, call.signal);
    const tool = tools.find((candidate) => candidate.name === call.target.operation);
    if (tool === undefined || !scanParamHeaders(tool.inputSchema).ok) return false;
    let schemas = this.#learned.get(connection);
    if (schemas === undefined) this.#learned.set(connection, (schemas = new Map()));
    schemas.set(tool.name, JSON.stringify(tool.inputSchema));
    return true;
  }

  /** An error on its way out; what was believed of the server is given up where the error contradicts it. */
  #failed(error: unknown, connection: Connection): unknown {
    if (error instanceof WireError && connection.era === "modern" && connection.kind === "http") {
      const { failure } = error;
      if (failure.kind === "http" && failure.status >= 400 && failure.status < 500)
        this.#verdicts.drop(connection.verdictKey);
      if (failure.kind === "rpc" && failure.error.code === -32022) this.#verdicts.drop(connection.verdictKey);
    }
    return error;
  }

  #read(result: JsonValue, connection: Connection, call: SessionCall, context: SessionContext): JsonValue {
    const broken = (text: string): never => {
      throw new WireError({ kind: "broken", text }, connection.transport.state);
    };
    if (!isJsonObject(result)) return broken("The result of the tool is no object.");
    if (connection.era === "modern") {
      const type = getOwn(result, "resultType");
      if (type === undefined) {
        // The tool has run and this is its result, but the server is not what it was: the next session asks anew.
        this.#verdicts.drop(connection.verdictKey);
        context.lost("The server no longer speaks the revision it was discovered with.");
      } else if (type === "input_required") {
        fail("rejected", `${call.target.operation} at ${call.target.endpoint} asks its caller for more input.`, {
          remedy: "Tools that ask back are not supported.",
        });
      } else if (type !== "complete") {
        return broken("The result of the tool is of an unknown type.");
      }
    }
    const content = getOwn(result, "content");
    if (content !== undefined && !Array.isArray(content)) return broken("The content of the result is no list.");
    if (content === undefined && getOwn(result, "structuredContent") === undefined) {
      return broken("The result of the tool has no content.");
    }
    return readToolResult(result, call.target, call.input);
  }
}

/** The handler, ready to register. Opens nothing and loads nothing heavy until the first session. */
export function createMcpHandler(options: McpHandlerOptions = {}): MCPSessionHandler {
  return new MCPSessionHandler(options);
}

/** The context of a call's trace goes with the request, never with the session: its keys in `_meta` are reserved. */
function withTrace<T extends JsonObject | Record<string, string>>(
  given: T | undefined,
  trace: Readonly<Record<string, string>> | undefined,
): T | undefined {
  return trace === undefined ? given : ({ ...given, ...trace } as T);
}

const httpRequests = channel("undici:request:create");

/** Whoever watches our HTTP client adds the headers of a trace by itself; twice, they would be worth nothing. */
function carriesOwnTrace(connection: Connection): boolean {
  return connection.kind !== "http" || httpRequests.hasSubscribers;
}

function readArguments(call: SessionCall): JsonObject {
  const { input } = call;
  if (input === null) return {};
  if (isJsonObject(input)) return input;
  return fail(
    "invalid-argument",
    `${JSON.stringify(call.capability.id)} takes a map of arguments, and got another kind of value.`,
    {
      remedy: 'Call it with one map, such as {:name "value"}.',
    },
  );
}

/** Whether a server refused a call for the headers that came with it. */
function headersWanted(outcome: unknown): boolean {
  if (outcome instanceof WireError) {
    return outcome.failure.kind === "http" && outcome.failure.rpc?.code === HEADER_MISMATCH;
  }
  const error = (outcome as { error?: { code?: number } }).error;
  return error?.code === HEADER_MISMATCH;
}

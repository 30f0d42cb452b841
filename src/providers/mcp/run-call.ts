import { channel } from "node:diagnostics_channel";

import { fail, getOwn, isJsonObject, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import type { SessionCall, SessionContext } from "../../session/handler.ts";
import type { Connection } from "./connect.ts";
import { readCompletion, readContents, readPrompt } from "./map-contents.ts";
import { readToolResult } from "./map-value.ts";
import type { VerdictMemory } from "./negotiate.ts";
import { paramsOf, type McpOperation } from "./operation.ts";
import { ParamHeaderCache, paramHeaders, scanParamHeaders } from "./param-headers.ts";
import { linksOf } from "./questions.ts";
import { answerRound, visitLinks, type Round } from "./rounds.ts";
import type { ServerNotification } from "./server-messages.ts";
import { callSettings } from "./target.ts";
import { methodOf, PROVIDER } from "./traits.ts";
import type { RpcAnswer } from "./transport.ts";
import { WireError, type RpcError } from "./wire-error.ts";

const HEADER_MISMATCH = -32020;
const LINKS_REQUIRED = -32042;

/** Somebody who follows a call. */
export interface Watch {
  readonly heard: (notification: ServerNotification) => void;
  readonly progressToken: string;
  /** What the call's log begins with, where the server is told so with the call. */
  readonly logLevel: string | undefined;
}

/** Runs calls on open connections: what is sent, what is asked back meanwhile, and what the answer means. */
export class CallRunner {
  readonly #verdicts: VerdictMemory;
  readonly #paramHeaders = new ParamHeaderCache();
  /** Input schemas by session and tool, where a server complained of missing headers. */
  readonly #learned = new WeakMap<Connection, Map<string, string>>();

  constructor(verdicts: VerdictMemory) {
    this.#verdicts = verdicts;
  }

  async run(connection: Connection, call: SessionCall, context: SessionContext, watch?: Watch): Promise<JsonValue> {
    const { operation } = callSettings(call.target);
    const made = paramsOf(operation, call);
    const own = made instanceof Promise ? await made : made;
    const meta = metaOf(connection, call, watch);
    if (meta !== undefined) own["_meta"] = meta;
    let params = own;
    // A server may ask before it goes on; then the same request is made again, with the answers.
    for (let number = 1; ; number++) {
      const answer = await this.#request(connection, call, params, watch);
      if ("error" in answer) {
        if (answer.error.code === LINKS_REQUIRED && linksOf(answer.error) !== undefined) {
          await visitLinks(answer.error, this.#round(connection, call, context, number));
          continue;
        }
        throw this.#failed(new WireError({ kind: "rpc", error: answer.error }, connection.transport.state), connection);
      }
      const { result } = answer;
      if (!isJsonObject(result)) return broken(connection, "The result is no object.");
      if (connection.era === "modern" && !this.#isComplete(result, connection, context)) {
        const added = await answerRound(result, this.#round(connection, call, context, number));
        if (typeof added === "string") return broken(connection, added);
        params = { ...own, ...added };
        continue;
      }
      return readResult(operation, result, connection, call);
    }
  }

  async #request(
    connection: Connection,
    call: SessionCall,
    params: JsonObject,
    watch: Watch | undefined,
  ): Promise<RpcAnswer> {
    const { operation } = callSettings(call.target);
    const method = methodOf(operation);
    const send = (): Promise<RpcAnswer> =>
      connection.transport.request(method, params, {
        signal: call.signal,
        headers: withTrace(
          operation.kind === "tool" ? this.#headersFor(connection, call) : undefined,
          carriesOwnTrace(connection) ? undefined : call.headers,
        ),
        sent: () => call.sent(),
        limited: call.limited,
        capabilityId: call.capability.id,
        heard: watch?.heard,
        progressToken: watch?.progressToken,
      });
    try {
      const answer = await send();
      // Refused before anything was done; the schema says which headers the tool wants.
      if (headersWanted(answer) && (await this.#learnHeaders(connection, call))) return await send();
      return answer;
    } catch (error) {
      const links = linksIn(error);
      if (links !== undefined) return { error: links };
      if (!headersWanted(error)) throw this.#failed(error, connection);
      if (!(await this.#learnHeaders(connection, call))) throw this.#failed(error, connection);
      return await send().catch((again: unknown) => Promise.reject(this.#failed(again, connection)));
    }
  }

  #round(connection: Connection, call: SessionCall, context: SessionContext, number: number): Round {
    const { capability, signal, target } = call;
    return {
      questions: connection.questions,
      asker: { capabilityId: capability.id, signal },
      clock: context.clock,
      what: `${target.operation} at ${target.endpoint}`,
      number,
    };
  }

  /** Whether a result of the modern era is one; false where it is a question. */
  #isComplete(result: JsonObject, connection: Connection, context: SessionContext): boolean {
    const type = getOwn(result, "resultType");
    if (type === "complete") return true;
    if (type === "input_required") return false;
    if (type !== undefined) return broken(connection, "The result is of an unknown type.");
    // It was executed and this is its result, but the server is not what it was: the next session asks anew.
    this.#verdicts.drop(connection.verdictKey);
    context.lost("The server no longer speaks the revision it was discovered with.");
    return true;
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
        { remedy: "Such a tool must not be called over HTTP; its author has to correct it." },
      );
    }
    return declared.headers.length === 0 ? undefined : paramHeaders(declared.headers, call.input);
  }

  async #learnHeaders(connection: Connection, call: SessionCall): Promise<boolean> {
    if (callSettings(call.target).operation.kind !== "tool") return false;
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
}

/** What has to be visited first, where a server says so with a status of its own. */
function linksIn(error: unknown): RpcError | undefined {
  if (!(error instanceof WireError) || error.failure.kind !== "http") return undefined;
  const { rpc } = error.failure;
  return rpc?.code === LINKS_REQUIRED ? rpc : undefined;
}

function broken(connection: Connection, text: string): never {
  throw new WireError({ kind: "broken", text }, connection.transport.state);
}

/** What the answer of each kind of operation means. */
function readResult(operation: McpOperation, result: JsonObject, connection: Connection, call: SessionCall): JsonValue {
  switch (operation.kind) {
    case "tool": {
      const content = getOwn(result, "content");
      if (content !== undefined && !Array.isArray(content))
        return broken(connection, "The content of the result is no list.");
      if (content === undefined && getOwn(result, "structuredContent") === undefined) {
        return broken(connection, "The result of the tool has no content.");
      }
      return readToolResult(result, call.target, call.input);
    }
    case "resource":
    case "resource-template":
      return readContents(result) ?? broken(connection, "The result has no contents of a resource.");
    case "prompt":
      return readPrompt(result) ?? broken(connection, "The result has no messages of a prompt.");
    case "completion":
      return readCompletion(result) ?? broken(connection, "The result has no completion.");
  }
}

function metaOf(connection: Connection, call: SessionCall, watch: Watch | undefined): JsonObject | undefined {
  const meta = withTrace(connection.meta, call.headers);
  if (watch === undefined) return meta;
  return {
    ...meta,
    progressToken: watch.progressToken,
    ...(watch.logLevel !== undefined && { "io.modelcontextprotocol/logLevel": watch.logLevel }),
  };
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

/** Whether a server refused a call for the headers that came with it. */
function headersWanted(outcome: unknown): boolean {
  if (outcome instanceof WireError) {
    return outcome.failure.kind === "http" && outcome.failure.rpc?.code === HEADER_MISMATCH;
  }
  const error = (outcome as { error?: { code?: number } }).error;
  return error?.code === HEADER_MISMATCH;
}

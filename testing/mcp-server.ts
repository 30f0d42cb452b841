import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * An MCP server that a test steers: it keeps to the protocol except where a dial says otherwise, and it
 * counts everything it sees. It listens on a free port of the loopback interface.
 *
 * ```ts
 * await using server = await startMcpServer({ forgetAfterCalls: 10 });
 * server.dials.fault = { kind: "status", status: 429, headers: { "retry-after": "1" } };
 * server.forgetAll();
 * server.counts.initialize;   // handshakes seen
 * ```
 */
export interface McpServerDials {
  /** `legacy`: handshake and session ids; `modern`: 2026-07-28; `both`. Default `legacy`. */
  era: "legacy" | "modern" | "both";
  /** Legacy sessions have ids. Default true. */
  sessionIds: boolean;
  /** The revision a handshake agrees on. Default `2025-11-25`. */
  protocolVersion: string;
  /** Answers of calls come as JSON or as an event stream. Default `json`. */
  answers: "json" | "sse";
  /** A session is forgotten when it has served this many calls; 0 for never. Default 0. */
  forgetAfterCalls: number;
  /** How an unknown session is answered. Default 404 with code -32001. */
  unknownSession: { status: number; code: number | null; message: string };
  /** What happens to calls; null for nothing. */
  fault: McpFault | null;
  /** The fault hits this many calls and is then switched off. Default Infinity. */
  faultTimes: number;
  /** Like `fault`, for `server/discover`, `initialize`, and `tools/list`. */
  faultAt: Partial<Record<"server/discover" | "initialize" | "tools/list" | "DELETE", McpFault | null>>;
  /** Each call takes this long, in milliseconds. Default 0. */
  delayMs: number;
  /** Requests without one of these bearer tokens get 401. Null: no token is asked for. */
  tokens: readonly string[] | null;
  /** The tools. */
  tools: readonly McpTool[];
}

export type McpFault =
  /** An HTTP status, with a JSON-RPC error as body unless `body` is given. The tool does not run. */
  | {
      kind: "status";
      status: number;
      code?: number;
      message?: string;
      body?: string;
      headers?: Record<string, string>;
    }
  /** A JSON-RPC error with status 200. The tool does not run. */
  | { kind: "rpc-error"; code: number; message: string; data?: unknown }
  /** No answer; the tool does not run. */
  | { kind: "hang" }
  /** The socket is closed: before the tool runs, or after it has run. */
  | { kind: "cut"; executed: boolean }
  /** The tool runs, then its stream ends without an answer. */
  | { kind: "end-stream"; eventId?: string }
  /** This text is the body of the answer, whatever it is; `$ID` in it stands for the id of the request. */
  | { kind: "raw"; body: string; contentType?: string }
  /** The tool runs and answers with this many bytes of text. */
  | { kind: "oversize"; bytes: number };

export interface McpTool {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema?: object;
  readonly outputSchema?: object;
  readonly annotations?: object;
  /** The result of the tool; a thrown error becomes an `isError` result. */
  run(input: Record<string, unknown>, call: McpToolCall): object | Promise<object>;
}

export interface McpToolCall {
  readonly sessionId: string | undefined;
  readonly token: string | undefined;
  /** Calls of this session so far, this one included. */
  readonly count: number;
  /** Aborts when the client cancels or closes the connection. */
  readonly signal: AbortSignal;
}

export interface McpSessionRecord {
  readonly id: string;
  readonly token: string | undefined;
  /** Calls that ran, and the tokens they came with. */
  calls: number;
  readonly tokens: Set<string>;
  state: "open" | "forgotten" | "deleted";
}

export interface McpServerCounts {
  initialize: number;
  initialized: number;
  discover: number;
  /** `tools/call` requests, and how many of them ran their tool. */
  calls: number;
  executed: number;
  delete: number;
  get: number;
  cancelled: number;
  /** Requests by method, or by HTTP verb where there is none. */
  readonly byMethod: Map<string, number>;
}

export interface McpExchange {
  readonly verb: string;
  readonly method: string | undefined;
  readonly id: unknown;
  readonly tool: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

export interface McpServer extends AsyncDisposable {
  readonly url: string;
  readonly dials: McpServerDials;
  readonly counts: McpServerCounts;
  /** Every session ever opened, by its id. */
  readonly sessions: ReadonlyMap<string, McpSessionRecord>;
  /** What was seen, in order; at most the last 10000. */
  readonly exchanges: readonly McpExchange[];
  /** Answers under way: requests whose connection is still open. */
  readonly open: number;
  /** How often each call, identified by its input's `key`, ran. */
  readonly executions: ReadonlyMap<string, number>;
  forgetAll(): void;
  forget(sessionId: string): void;
  /** Closes every connection and the port. */
  stop(): Promise<void>;
  /** Listens again on the same port after `stop`, with no memory of sessions. */
  restart(): Promise<void>;
}

export const text = (value: string): object => ({ content: [{ type: "text", text: value }] });

const DEFAULT_TOOLS: readonly McpTool[] = [
  {
    name: "echo",
    description: "Gives back its message.",
    inputSchema: { type: "object", properties: { message: { type: "string" } }, required: ["message"] },
    annotations: { readOnlyHint: true },
    run: (input) => text(`Echo: ${String(input["message"])}`),
  },
  {
    name: "count",
    description: "Counts the calls of its session.",
    inputSchema: { type: "object", properties: {} },
    run: (_input, call) => ({ content: [], structuredContent: { count: call.count } }),
  },
  {
    name: "fail",
    description: "Reports an error of its own.",
    inputSchema: { type: "object", properties: { message: { type: "string" } } },
    run: (input) => ({ ...text(String(input["message"] ?? "failed")), isError: true }),
  },
];

const MODERN = "2026-07-28";

export async function startMcpServer(dials: Partial<McpServerDials> = {}): Promise<McpServer> {
  const server = new ScriptedMcpServer(dials);
  await server.listen(0);
  return server;
}

class ScriptedMcpServer implements McpServer {
  readonly dials: McpServerDials;
  readonly counts: McpServerCounts = {
    initialize: 0,
    initialized: 0,
    discover: 0,
    calls: 0,
    executed: 0,
    delete: 0,
    get: 0,
    cancelled: 0,
    byMethod: new Map(),
  };
  readonly sessions = new Map<string, McpSessionRecord>();
  readonly exchanges: McpExchange[] = [];
  readonly executions = new Map<string, number>();
  url = "";

  #server: Server | undefined;
  #port = 0;
  #open = 0;
  readonly #running = new Map<string, AbortController>();

  constructor(dials: Partial<McpServerDials>) {
    this.dials = {
      era: "legacy",
      sessionIds: true,
      protocolVersion: "2025-11-25",
      answers: "json",
      forgetAfterCalls: 0,
      unknownSession: { status: 404, code: -32001, message: "Session not found" },
      fault: null,
      faultTimes: Number.POSITIVE_INFINITY,
      faultAt: {},
      delayMs: 0,
      tokens: null,
      tools: DEFAULT_TOOLS,
      ...dials,
    };
  }

  get open(): number {
    return this.#open;
  }

  async listen(port: number): Promise<void> {
    const server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy());
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.url = `http://127.0.0.1:${this.#port}/mcp`;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    for (const controller of this.#running.values()) controller.abort();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  async restart(): Promise<void> {
    await this.stop();
    this.forgetAll();
    await this.listen(this.#port);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  forgetAll(): void {
    for (const id of this.sessions.keys()) this.forget(id);
  }

  forget(sessionId: string): void {
    const session = this.sessions.get(sessionId);
    if (session?.state === "open") session.state = "forgotten";
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#open++;
    response.once("close", () => this.#open--);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const message = parse(Buffer.concat(chunks).toString("utf8"));
    const method = message?.method;
    this.#note(request, message);
    const answer = new Answer(response, message?.id ?? null);

    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    if (this.dials.tokens !== null && (token === undefined || !this.dials.tokens.includes(token))) {
      answer.status({ kind: "status", status: 401, headers: { "www-authenticate": 'Bearer error="invalid_token"' } });
      return;
    }
    if (request.method === "DELETE") return this.#delete(request, answer);
    if (request.method === "GET") return answer.status({ kind: "status", status: 405 });
    if (message === undefined) return answer.status({ kind: "status", status: 400, code: -32700, message: "Parse error" });

    const at = method === "server/discover" || method === "initialize" || method === "tools/list" ? method : undefined;
    const fault = at === undefined ? undefined : this.dials.faultAt[at];
    if (fault !== undefined && fault !== null && answer.fault(fault)) return;

    const modern = typeof message.params?._meta?.["io.modelcontextprotocol/protocolVersion"] === "string";
    if (modern && this.dials.era !== "legacy") return this.#modern(message, token, answer);
    if (this.dials.era === "modern") {
      answer.status({ kind: "status", status: 400, code: -32602, message: "Missing the _meta envelope" });
      return;
    }
    await this.#legacy(request, message, token, answer);
  }

  async #legacy(request: IncomingMessage, message: Message, token: string | undefined, answer: Answer): Promise<void> {
    if (message.method === "initialize") {
      this.counts.initialize++;
      const id = this.dials.sessionIds ? randomUUID() : undefined;
      if (id !== undefined) {
        this.sessions.set(id, { id, token, calls: 0, tokens: new Set(), state: "open" });
        answer.header("mcp-session-id", id);
      }
      answer.result({
        protocolVersion: this.dials.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: "scripted", version: "1.0.0" },
      });
      return;
    }
    let session: McpSessionRecord | undefined;
    if (this.dials.sessionIds) {
      const id = request.headers["mcp-session-id"];
      if (id === undefined) {
        answer.status({ kind: "status", status: 400, code: -32000, message: "Bad Request: Server not initialized" });
        return;
      }
      session = this.sessions.get(String(id));
      if (session?.state !== "open") {
        const { status, code, message: words } = this.dials.unknownSession;
        if (code === null) answer.status({ kind: "status", status, body: words });
        else if (status === 200) answer.error(code, words);
        else answer.status({ kind: "status", status, code, message: words });
        return;
      }
    }
    await this.#serve(message, session, token, answer, {});
  }

  async #modern(message: Message, token: string | undefined, answer: Answer): Promise<void> {
    if (message.method === "server/discover") {
      this.counts.discover++;
      answer.result({
        resultType: "complete",
        supportedVersions: [MODERN],
        capabilities: { tools: {} },
        ttlMs: 0,
        cacheScope: "private",
        _meta: { "io.modelcontextprotocol/serverInfo": { name: "scripted", version: "1.0.0" } },
      });
      return;
    }
    await this.#serve(message, undefined, token, answer, { resultType: "complete" });
  }

  async #serve(
    message: Message,
    session: McpSessionRecord | undefined,
    token: string | undefined,
    answer: Answer,
    extra: object,
  ): Promise<void> {
    if (message.id === undefined) {
      if (message.method === "notifications/initialized") this.counts.initialized++;
      if (message.method === "notifications/cancelled") {
        this.counts.cancelled++;
        this.#running.get(String(message.params?.["requestId"]))?.abort();
      }
      answer.accepted();
      return;
    }
    switch (message.method) {
      case "ping":
        answer.result({ ...extra });
        return;
      case "tools/list": {
        const tools = this.dials.tools.map(({ run: _, ...tool }) => ({ inputSchema: { type: "object" }, ...tool }));
        const hints = "resultType" in extra ? { ttlMs: 0, cacheScope: "private" } : {};
        answer.result({ ...extra, ...hints, tools });
        return;
      }
      case "tools/call":
        await this.#call(message, session, token, answer, extra);
        return;
      default:
        if (session === undefined) answer.status({ kind: "status", status: 404, code: -32601, message: "Method not found" });
        else answer.error(-32601, "Method not found");
    }
  }

  async #call(
    message: Message,
    session: McpSessionRecord | undefined,
    token: string | undefined,
    answer: Answer,
    extra: object,
  ): Promise<void> {
    this.counts.calls++;
    const fault = this.#takeFault();
    if (fault !== null && answer.fault(fault)) return;
    const tool = this.dials.tools.find((candidate) => candidate.name === message.params?.["name"]);
    if (tool === undefined) {
      answer.error(-32602, `Unknown tool: ${String(message.params?.["name"])}`);
      return;
    }
    const controller = new AbortController();
    const id = String(message.id);
    this.#running.set(id, controller);
    answer.onClosed(() => controller.abort());
    try {
      if (this.dials.delayMs > 0) await wait(this.dials.delayMs, controller.signal);
      if (controller.signal.aborted) return;
      const input = (message.params?.["arguments"] ?? {}) as Record<string, unknown>;
      this.counts.executed++;
      const key = input["key"];
      if (key !== undefined) this.executions.set(String(key), (this.executions.get(String(key)) ?? 0) + 1);
      if (session !== undefined) {
        session.calls++;
        if (token !== undefined) session.tokens.add(token);
      }
      const count = session?.calls ?? this.counts.executed;
      let result: object;
      try {
        result = await tool.run(input, { sessionId: session?.id, token, count, signal: controller.signal });
      } catch (error) {
        result = { ...text(error instanceof Error ? error.message : String(error)), isError: true };
      }
      if (session !== undefined && this.dials.forgetAfterCalls > 0 && session.calls >= this.dials.forgetAfterCalls) {
        this.forget(session.id);
      }
      if (controller.signal.aborted) return;
      if (fault?.kind === "cut") answer.cut();
      else if (fault?.kind === "end-stream") answer.endStream(fault.eventId);
      else if (fault?.kind === "oversize") answer.result({ ...extra, ...text("x".repeat(fault.bytes)) }, this.dials.answers);
      else answer.result({ ...extra, ...result }, this.dials.answers);
    } finally {
      this.#running.delete(id);
    }
  }

  #takeFault(): McpFault | null {
    const { fault } = this.dials;
    if (fault === null || this.dials.faultTimes <= 0) return null;
    this.dials.faultTimes--;
    return fault;
  }

  #delete(request: IncomingMessage, answer: Answer): void {
    this.counts.delete++;
    const fault = this.dials.faultAt.DELETE;
    if (fault !== undefined && fault !== null && answer.fault(fault)) return;
    const session = this.sessions.get(String(request.headers["mcp-session-id"]));
    if (session?.state !== "open") return answer.status({ kind: "status", status: 404, code: -32001, message: "Session not found" });
    session.state = "deleted";
    answer.status({ kind: "status", status: 200, body: "" });
  }

  #note(request: IncomingMessage, message: Message | undefined): void {
    const { byMethod } = this.counts;
    const name = message?.method ?? String(request.method);
    byMethod.set(name, (byMethod.get(name) ?? 0) + 1);
    if (request.method === "GET") this.counts.get++;
    this.exchanges.push({
      verb: String(request.method),
      method: message?.method,
      id: message?.id,
      tool: message?.params?.["name"] as string | undefined,
      headers: request.headers,
      body: message,
    });
    if (this.exchanges.length > 10_000) this.exchanges.shift();
  }
}

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Record<string, unknown> & { readonly _meta?: Record<string, unknown> };
}

function parse(body: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? (value as Message) : undefined;
  } catch {
    return undefined;
  }
}

/** One HTTP answer, in all the ways it can go right or wrong. */
class Answer {
  readonly #response: ServerResponse;
  readonly #id: unknown;

  constructor(response: ServerResponse, id: unknown) {
    this.#response = response;
    this.#id = id;
  }

  header(name: string, value: string): void {
    this.#response.setHeader(name, value);
  }

  onClosed(listener: () => void): void {
    this.#response.once("close", () => {
      if (!this.#response.writableFinished) listener();
    });
  }

  accepted(): void {
    this.#response.writeHead(202).end();
  }

  result(result: object, mode: "json" | "sse" = "json"): void {
    this.#message({ jsonrpc: "2.0", id: this.#id, result }, mode);
  }

  error(code: number, message: string, data?: unknown): void {
    this.#message({ jsonrpc: "2.0", id: this.#id, error: { code, message, data } }, "json");
  }

  status(fault: McpFault & { kind: "status" }): void {
    const { status, code = -32000, message = `HTTP ${status}`, body, headers = {} } = fault;
    const own = body ?? JSON.stringify({ jsonrpc: "2.0", id: this.#id, error: { code, message } });
    const contentType = body === undefined ? "application/json" : "text/plain";
    this.#response.writeHead(status, { "content-type": contentType, ...headers }).end(own);
  }

  /** Gives true where the fault is the whole answer, so that nothing is executed. */
  fault(fault: McpFault): boolean {
    switch (fault.kind) {
      case "status":
        this.status(fault);
        return true;
      case "rpc-error":
        this.error(fault.code, fault.message, fault.data);
        return true;
      case "hang":
        return true;
      case "cut":
        if (!fault.executed) this.cut();
        return !fault.executed;
      case "raw":
        this.#response.writeHead(200, { "content-type": fault.contentType ?? "application/json" }).end(fault.body.replaceAll("$ID", JSON.stringify(this.#id)));
        return true;
      default:
        return false;
    }
  }

  cut(): void {
    this.#response.socket?.destroy();
  }

  endStream(eventId: string | undefined): void {
    this.#response.writeHead(200, { "content-type": "text/event-stream" });
    this.#response.end(eventId === undefined ? ": nothing\n\n" : `id: ${eventId}\nretry: 10\ndata: \n\n`);
  }

  #message(message: object, mode: "json" | "sse"): void {
    const body = JSON.stringify(message);
    if (mode === "json") this.#response.writeHead(200, { "content-type": "application/json" }).end(body);
    else this.#response.writeHead(200, { "content-type": "text/event-stream" }).end(`event: message\ndata: ${body}\n\n`);
  }
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}

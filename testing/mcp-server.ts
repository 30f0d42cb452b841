import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { Answer } from "./mcp-answer.ts";
import type {
  McpExchange,
  McpFault,
  McpRawError,
  McpRawResult,
  McpServer,
  McpServerCounts,
  McpServerDials,
  McpSessionRecord,
} from "./mcp-dials.ts";
import { McpListeners } from "./mcp-listeners.ts";
import { errorOf, parse, wait, type Message } from "./mcp-message.ts";
import { DEFAULT_TOOLS, text } from "./mcp-tools.ts";

export type * from "./mcp-dials.ts";
export { text } from "./mcp-tools.ts";

const MODERN = "2026-07-28";

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
  readonly streams = new McpListeners();
  url = "";

  #server: Server | undefined;
  #port = 0;
  #draining = false;
  readonly #responses = new Set<ServerResponse>();
  readonly #running = new Map<string, AbortController>();
  readonly #asked = new Map<string, (answer: unknown) => void>();

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
      capabilities: {},
      methods: {},
      notifications: false,
      ...dials,
    };
  }

  get open(): number {
    return this.#responses.size;
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

  async stop({ drainMs = 0 }: { readonly drainMs?: number } = {}): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    if (drainMs > 0) {
      this.#draining = true;
      await new Promise((resolve) => setTimeout(resolve, drainMs));
      await new Promise((resolve) => server.close(resolve));
      this.#draining = false;
      return;
    }
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
    this.#responses.add(response);
    if (this.#draining) response.shouldKeepAlive = false;
    response.once("close", () => this.#responses.delete(response));
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
    if (request.method === "GET") {
      const { notifications } = this.dials;
      const known = this.sessions.get(String(request.headers["mcp-session-id"]))?.state === "open";
      if (notifications !== true || !known) {
        const status = notifications === true ? 404 : notifications === false ? 405 : notifications;
        return answer.status({ kind: "status", status });
      }
      return this.streams.add(answer);
    }
    if (message === undefined)
      return answer.status({ kind: "status", status: 400, code: -32700, message: "Parse error" });

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
        capabilities: { tools: {}, ...this.dials.capabilities },
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
        capabilities: { tools: {}, ...this.dials.capabilities },
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
    if (message.method === undefined) {
      this.#asked.get(String(message.id))?.(message);
      this.#asked.delete(String(message.id));
      answer.accepted();
      return;
    }
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
      case "subscriptions/listen":
        this.streams.subscribe(answer, String(message.id), message.params?.["notifications"]);
        return;
      default: {
        const method = message.method === undefined ? undefined : this.dials.methods[message.method];
        if (method !== undefined) {
          const result = method(message.params ?? {});
          if ("rpcError" in result) answer.error(...errorOf(result as McpRawError));
          else answer.result({ ...extra, ...result }, this.dials.answers);
          return;
        }
        if (session === undefined)
          answer.status({ kind: "status", status: 404, code: -32601, message: "Method not found" });
        else answer.error(-32601, "Method not found");
      }
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
        result = await tool.run(input, {
          sessionId: session?.id,
          token,
          count,
          signal: controller.signal,
          params: message.params ?? {},
          notify: (method, params) => answer.event({ method, params }),
          ask: (method, params) => this.#ask(answer, method, params),
        });
      } catch (error) {
        result = { ...text(error instanceof Error ? error.message : String(error)), isError: true };
      }
      if (session !== undefined && this.dials.forgetAfterCalls > 0 && session.calls >= this.dials.forgetAfterCalls) {
        this.forget(session.id);
      }
      if (controller.signal.aborted) return;
      if (fault?.kind === "cut") answer.cut();
      else if (fault?.kind === "raw") answer.raw(fault);
      else if (fault?.kind === "end-stream") answer.endStream(fault.eventId);
      else if (fault?.kind === "oversize")
        answer.result({ ...extra, ...text("x".repeat(fault.bytes)) }, this.dials.answers);
      else if ("rpcError" in result) answer.error(...errorOf(result as McpRawError));
      else if ("raw" in result) answer.result((result as McpRawResult).raw, this.dials.answers);
      else answer.result({ ...extra, ...result }, this.dials.answers);
    } finally {
      this.#running.delete(id);
    }
  }

  #ask(answer: Answer, method: string, params: object): Promise<unknown> {
    const id = `server-${this.#asked.size}-${randomUUID()}`;
    return new Promise((resolve) => {
      this.#asked.set(id, resolve);
      answer.onClosed(() => resolve(undefined));
      void answer.event({ id, method, params });
    });
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
    if (session?.state !== "open")
      return answer.status({ kind: "status", status: 404, code: -32001, message: "Session not found" });
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

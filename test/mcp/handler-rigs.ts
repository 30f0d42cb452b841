import type { JsonObject, StreamEvent } from "../../src/kernel/index.ts";
import { createMcpHandler } from "../../src/providers/mcp/index.ts";
import {
  REJECTION,
  RETRY_AFTER_MS,
  startMcpServer,
  type HandlerPeer,
  type HandlerRig,
  type McpFault,
  type McpServer,
  type McpServerDials,
  type McpToolCall,
  type PeerFault,
  type PeerStream,
} from "../../testing/index.ts";
import { startTokenServer, type TokenServer } from "./token-server.ts";
import { startMcpStdioServer, type McpStdioServer } from "../../testing/mcp-stdio-server.ts";

const LIMIT = 100_000;

/** The ways in which servers over HTTP say that they do not know a session. */
const LOSSES: Readonly<Record<string, McpServerDials["unknownSession"]>> = {
  "404 with -32001": { status: 404, code: -32001, message: "Session not found" },
  "404 with -32000": { status: 404, code: -32000, message: "Unknown session" },
  "404 with plain text": { status: 404, code: null, message: "not here" },
  "400 without a valid session id": { status: 400, code: -32000, message: "Bad Request: No valid session ID provided" },
  "400 with plain text": { status: 400, code: null, message: "Invalid session ID" },
  "400, not initialized": { status: 400, code: -32000, message: "Bad Request: Server not initialized" },
  "200 with -32600": { status: 200, code: -32600, message: "Session not found" },
};

/** A server of the modern era has no session to lose, but it may be replaced by one that has. */
const REPLACED = "replaced by a server with sessions";

const NAMED = "the token of a variable is what it is; the rig with tokens that are fetched shows how these are renewed";

const createHandler: HandlerRig["createHandler"] = () => createMcpHandler({ openTimeoutMs: 5_000 });

export function httpRig(era: "legacy" | "modern", answers: "json" | "sse"): HandlerRig {
  const without = {
    legacy: { renewal: NAMED },
    modern: {
      renewal: NAMED,
      sessions: "there are none: what is kept is the connection and what was discovered",
      restore: "there is no session to go on with",
    },
  };
  return {
    createHandler,
    startPeer: () => HttpPeer.start({ era, answers }),
    losses:
      era === "modern"
        ? { [REPLACED]: "silent" }
        : Object.fromEntries(Object.keys(LOSSES).map((name) => [name, "silent"])),
    without: without[era],
  };
}

/** The same with tokens that are fetched, and fetched anew when they were refused. */
export function oauthRig(): HandlerRig {
  const rig = httpRig("legacy", "json");
  return {
    ...rig,
    startPeer: () => HttpPeer.start({ era: "legacy" }, true),
    losses: { "404 with -32001": "silent" },
    without: {},
  };
}

export function stdioRig(era: "legacy" | "modern"): HandlerRig {
  return {
    createHandler,
    startPeer: () => Promise.resolve(new StdioPeer(era)),
    losses: { "the process has died": "noticed" },
    without: {
      credentials: "a child gets its token in its environment, and nobody hears whether it likes it",
      unauthenticated: "the protocol has no such answer on stdio",
      throttled: "the protocol has no such answer on stdio",
      stop: "who opens a session starts the server",
      restart: "who opens a session starts the server",
      restore: "a session ends with its child process",
      renewal: "a child gets its token in its environment, once",
    },
  };
}

class HttpPeer implements HandlerPeer {
  readonly block: JsonObject;
  readonly env: Record<string, string> = { LINE_TOKEN: "token-of-alice" };
  readonly credential = { variable: "LINE_TOKEN", other: "token-of-bob" };
  canceled = 0;
  readonly #server: McpServer;
  readonly #ran = new Map<string, number>();
  readonly #held: (() => void)[] = [];
  readonly #era: "legacy" | "modern";
  readonly #issuer: TokenServer | undefined;
  #expired = 0;
  #holds = false;

  static async start(
    dials: Partial<McpServerDials> & { readonly era: "legacy" | "modern" },
    fetchesTokens = false,
  ): Promise<HttpPeer> {
    const tokens = ["token-of-alice", "token-of-bob"];
    let peer: HttpPeer | undefined;
    const run = (input: Record<string, unknown>, call: McpToolCall): Promise<object> =>
      (peer as HttpPeer).#run(String(input["text"]), call);
    const tools = [
      {
        name: "count",
        run: (input: Record<string, unknown>, call: McpToolCall) => (peer as HttpPeer).#count(input, call),
      },
      { name: "echo", inputSchema: { type: "object", properties: { text: { type: "string" } } }, run },
    ];
    const server = await startMcpServer({ ...dials, tokens, tools });
    const accept = (token: string): void => void (server.dials.tokens = [...(server.dials.tokens ?? []), token]);
    const issuer = fetchesTokens ? await startTokenServer(accept) : undefined;
    return (peer = new HttpPeer(server, dials.era, issuer));
  }

  constructor(server: McpServer, era: "legacy" | "modern", issuer: TokenServer | undefined) {
    this.#server = server;
    this.#era = era;
    this.#issuer = issuer;
    const auth = {
      type: "oauth2",
      token_url: issuer?.url ?? "",
      client_id: "suite",
      client_secret_env_var: "LINE_TOKEN",
    };
    const credential: JsonObject = issuer === undefined ? { auth_env_var: "LINE_TOKEN" } : { auth };
    this.block = { server_url: server.url, tool_name: "echo", max_response_bytes: LIMIT, ...credential };
  }

  get renewal(): { expire(): void; readonly count: number } {
    return {
      expire: () => {
        this.#server.dials.tokens = [];
        this.#expired = this.#issuer?.given.length ?? 0;
      },
      count: (this.#issuer?.given.length ?? 0) - this.#expired,
    };
  }

  readonly #streams = { open: 0, sent: 0 };

  get stream(): PeerStream {
    return { ...STREAM, ...this.#streams, block: { ...this.block, tool_name: "count" } };
  }

  async #count({ steps, endless }: Record<string, unknown>, call: McpToolCall): Promise<object> {
    const { signal } = call;
    const { progressToken } = (call.params["_meta"] ?? {}) as { progressToken?: unknown };
    const filling = endless === true ? "x".repeat(4_000) : "step";
    this.#streams.open++;
    try {
      for (let at = 1; !signal.aborted && (endless === true || at <= Number(steps)); at++) {
        await call.notify("notifications/progress", { progressToken, progress: at, message: filling });
        if (endless !== true) continue;
        this.#streams.sent++;
        await new Promise(setImmediate);
      }
    } finally {
      this.#streams.open--;
    }
    return { content: [], structuredContent: { steps } };
  }

  input = (text: string): JsonObject => ({ text });
  output = (text: string): JsonObject => ({ text });
  ran = (text: string): number => this.#ran.get(text) ?? 0;

  get opened(): number {
    return this.#server.counts.initialize;
  }
  get sessions(): number {
    return [...this.#server.sessions.values()].filter(({ state }) => state === "open").length;
  }
  get connections(): number {
    return this.#server.open;
  }
  get held(): number {
    return this.#held.length;
  }

  async #run(text: string, { signal }: McpToolCall): Promise<object> {
    if (this.#holds) {
      signal.addEventListener("abort", () => this.canceled++, { once: true });
      await new Promise<void>((resolve) => this.#held.push(resolve));
    }
    if (!signal.aborted) this.#ran.set(text, this.ran(text) + 1);
    return { content: [], structuredContent: { text } };
  }

  dial(fault: PeerFault, times = Infinity): void {
    const { dials } = this.#server;
    if (fault === "unauthenticated") {
      dials.tokens = [];
      if (this.#issuer !== undefined) this.#issuer.refuses = true;
    } else if (fault === "hangs-opening")
      dials.faultAt = { "server/discover": { kind: "hang" }, initialize: { kind: "hang" } };
    else {
      dials.fault = FAULTS[fault];
      dials.faultTimes = times;
    }
  }

  heal(): void {
    const { dials } = this.#server;
    const tokens = ["token-of-alice", "token-of-bob", ...(this.#issuer?.given ?? [])];
    Object.assign(dials, { fault: null, faultAt: {}, tokens });
    if (this.#issuer !== undefined) this.#issuer.refuses = false;
  }

  hold(): () => void {
    this.#holds = true;
    return () => {
      this.#holds = false;
      for (const release of this.#held.splice(0).reverse()) release();
    };
  }

  lose(loss: string): void {
    if (this.#era === "modern") this.#server.dials.era = "legacy";
    else this.#server.dials.unknownSession = LOSSES[loss] as McpServerDials["unknownSession"];
    this.#server.forgetAll();
  }

  stop = (): Promise<void> => this.#server.stop();
  restart = (): Promise<void> => this.#server.restart();

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop();
    await this.#issuer?.[Symbol.asyncDispose]();
  }
}

const STREAM = {
  input: { steps: 3 },
  endless: { endless: true },
  events: [
    ...[1, 2, 3].map((progress): StreamEvent => ({ type: "progress", progress, message: "step" })),
    { type: "result", value: { steps: 3 } } as const,
  ],
};

const FAULTS: Readonly<Record<Exclude<PeerFault, "unauthenticated" | "hangs-opening">, McpFault>> = {
  throttled: { kind: "status", status: 429, headers: { "retry-after": String(RETRY_AFTER_MS / 1_000) } },
  rejected: { kind: "rpc-error", code: -32602, message: REJECTION },
  "hangs-calling": { kind: "hang" },
  cut: { kind: "cut", executed: true },
  malformed: { kind: "raw", body: '{"jsonrpc":"2.0","id":', executed: true },
  oversize: { kind: "oversize", bytes: 10 * LIMIT },
};

class StdioPeer implements HandlerPeer {
  readonly block: JsonObject;
  readonly env: Record<string, string> = {};
  readonly #server: McpStdioServer;

  constructor(era: "legacy" | "modern") {
    this.#server = startMcpStdioServer({ era, rejection: REJECTION, oversize: 10 * LIMIT });
    this.block = { ...this.#server.block, tool_name: "echo", max_response_bytes: LIMIT };
  }

  get stream(): PeerStream {
    const { notes, pids } = this.#server;
    const count = (kind: string): number =>
      notes.filter((note) => note.kind === kind && pids.includes(note.pid)).length;
    return {
      ...STREAM,
      block: { ...this.block, tool_name: "count" },
      open: count("stream-opened") - count("stream-ended"),
      sent: notes.reduce((sum, note) => sum + (note.kind === "sent" ? note.events : 0), 0),
    };
  }

  input = (text: string): JsonObject => ({ text });
  output = (text: string): JsonObject => ({ text });
  ran = (text: string): number => this.#server.notes.filter((note) => note.kind === "ran" && note.text === text).length;

  get opened(): number {
    return this.#count("opened");
  }
  get sessions(): number {
    return this.#server.pids.length;
  }
  get connections(): number {
    return this.#server.pids.length;
  }
  get held(): number {
    return this.#server.orders.hold ? this.#count("held") : 0;
  }
  get canceled(): number {
    return this.#count("cancelled");
  }

  #count(kind: string): number {
    return this.#server.notes.filter((note) => note.kind === kind).length;
  }

  dial(fault: PeerFault, times = Infinity): void {
    const faultUntilCall = times === Infinity ? Number.MAX_SAFE_INTEGER : this.#count("called") + times;
    if (fault !== "unauthenticated" && fault !== "throttled") this.#server.order({ fault, faultUntilCall });
  }
  heal(): void {
    this.#server.order({ fault: null });
  }
  hold(): () => void {
    this.#server.order({ hold: true });
    return () => this.#server.order({ hold: false });
  }
  lose = (): Promise<void> => this.#server.kill();
  stop = (): Promise<void> => this.#server.kill();
  restart = (): Promise<void> => this.#server.kill();

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.kill();
    this.#server[Symbol.dispose]();
  }
}

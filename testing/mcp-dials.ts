import type { IncomingMessage } from "node:http";
import type { McpListeners } from "./mcp-listeners.ts";

/** How a scripted MCP server behaves; every dial can be turned while it runs. */
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
  /** What else it says that it can do. Default none. */
  capabilities: object;
  /** Answers to methods that the server does not know by itself: their results. Default none. */
  methods: Readonly<Record<string, (params: Record<string, unknown>) => object>>;
  /** Whether it has a stream for what belongs to no request; a number is the status of a refusal. Default false: 405. */
  notifications: boolean | number;
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
  | { kind: "raw"; body: string; contentType?: string; executed?: boolean }
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
  /** The parameters of the request, with what is not the tool's own. */
  readonly params: Record<string, unknown>;
  /** Says something on the stream of the answer; resolves when there is room for more. */
  notify(method: string, params: object): Promise<void>;
  /** Asks the client on the stream of the answer, and waits for what it says: its result, or an error. Legacy only. */
  ask(method: string, params: object): Promise<unknown>;
}

/** A result that is no tool's: a question, say. */
export interface McpRawResult {
  readonly raw: object;
}

/** An error of the protocol instead of a result. */
export interface McpRawError {
  readonly rpcError: { readonly code: number; readonly message: string; readonly data?: unknown };
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
  /** The streams for what belongs to no request. */
  readonly streams: McpListeners;
  forgetAll(): void;
  forget(sessionId: string): void;
  /**
   * Closes every connection and the port. With `drainMs` it serves on for so long, and says with every answer that
   * its connection will not be kept, as servers do that end politely.
   */
  stop(options?: { readonly drainMs?: number }): Promise<void>;
  /** Listens again on the same port after `stop`, with no memory of sessions. */
  restart(): Promise<void>;
}

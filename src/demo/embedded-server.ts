import { createServer, type Server as HttpServer } from "node:http";
import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import {
  type CallToolResult,
  fromJsonSchema,
  hostHeaderValidationResponse,
  isInitializeRequest,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  originValidationResponse,
  Server,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import { EMBEDDED_TOOLS, failure, type Repository, type SessionState } from "./embedded-tools.ts";
import { sampleIssues } from "./sample-issues.ts";

export interface EmbeddedServerOptions {
  /** Default 0: any free port. */
  readonly port?: number | undefined;
  /** How many issues the repository has. Default 130. */
  readonly issues?: number | undefined;
  /** Forgets every session each time this many more tool calls were answered. Default: never by itself. */
  readonly forgetAfter?: number | undefined;
  /** Logins by bearer token. When given, a request without one of these tokens is answered 401. */
  readonly accounts?: Readonly<Record<string, string>> | undefined;
}

/** What the server saw since it started. */
export interface EmbeddedServerStats {
  /** Handshakes, one a session. */
  readonly initializes: number;
  /** Sessions that a client ended with DELETE. */
  readonly deletes: number;
  /** Sessions the server forgot. */
  readonly forgotten: number;
  /** Requests refused because they named a session the server does not know. */
  readonly refused: number;
  /** Requests that named a session opened with another token; refused too. */
  readonly foreign: number;
  /** Tool calls executed. */
  readonly calls: number;
  /** The same, one number a session, in the order the sessions were opened. */
  readonly callsBySession: readonly number[];
  /** Sessions it knows now. */
  readonly open: number;
}

export interface EmbeddedServer {
  readonly url: string;
  stats(): EmbeddedServerStats;
  /** Forgets every session, as a restart would: the next request of each is answered 404. */
  forgetSessions(): void;
  /** Ends every connection and frees the port. */
  close(): Promise<void>;
}

interface Live {
  readonly transport: WebStandardStreamableHTTPServerTransport;
  readonly token: string | undefined;
}

const JSONRPC_SESSION_UNKNOWN = -32001;
const JSONRPC_BAD_REQUEST = -32000;

/**
 * An MCP server in this process, on the loopback interface: Streamable HTTP with sessions, which it can be
 * told to forget. It is for demonstrations and tests, needs no network, and keeps its issues in memory.
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions = {}): Promise<EmbeddedServer> {
  const repository: Repository = { issues: sampleIssues(options.issues ?? 130) };
  const accounts = options.accounts === undefined ? undefined : new Map(Object.entries(options.accounts));
  const sessions = new Map<string, Live>();
  // A forgotten session keeps its transport until the server closes, so that an answer under way still arrives.
  const transports = new Set<WebStandardStreamableHTTPServerTransport>();
  const callsBySession: number[] = [];
  const counts = { deletes: 0, forgotten: 0, refused: 0, foreign: 0, calls: 0 };

  const forgetSessions = (): void => {
    counts.forgotten += sessions.size;
    sessions.clear();
  };

  const countCall = (ordinal: number): void => {
    counts.calls++;
    callsBySession[ordinal] = (callsBySession[ordinal] ?? 0) + 1;
    if (options.forgetAfter !== undefined && counts.calls % options.forgetAfter === 0) forgetSessions();
  };

  const open = async (token: string | undefined): Promise<WebStandardStreamableHTTPServerTransport> => {
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        sessions.set(id, { transport, token });
      },
      onsessionclosed: (id) => {
        if (sessions.delete(id)) counts.deletes++;
        transports.delete(transport);
      },
    });
    transports.add(transport);
    const ordinal = callsBySession.push(0) - 1;
    const login = (token === undefined ? undefined : accounts?.get(token)) ?? "octo-demo";
    await sessionServer({ login, count: 0 }, repository, () => countCall(ordinal)).connect(transport);
    return transport;
  };

  const answer = async (request: Request): Promise<Response> => {
    // A page in a browser must not reach this server by a name that resolves to loopback.
    const misdirected =
      hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
      originValidationResponse(request, localhostAllowedOrigins());
    if (misdirected !== undefined) return misdirected;
    if (new URL(request.url).pathname !== "/mcp") return new Response("Not found", { status: 404 });
    const token = bearerToken(request);
    if (accounts !== undefined && (token === undefined || !accounts.has(token))) {
      return new Response("Unauthorized", { status: 401, headers: { "www-authenticate": "Bearer" } });
    }
    const id = request.headers.get("mcp-session-id");
    if (id !== null) {
      const live = sessions.get(id);
      if (live === undefined) {
        counts.refused++;
        return jsonRpcError(404, JSONRPC_SESSION_UNKNOWN, "Session not found");
      }
      if (accounts !== undefined && live.token !== token) {
        counts.foreign++;
        return jsonRpcError(403, JSONRPC_BAD_REQUEST, "Forbidden: the session belongs to another user");
      }
      return live.transport.handleRequest(request);
    }
    const body: unknown = request.method === "POST" ? await request.json().catch(() => undefined) : undefined;
    if (!isInitializeRequest(body)) {
      return jsonRpcError(400, JSONRPC_BAD_REQUEST, "Bad Request: Mcp-Session-Id header is required");
    }
    return (await open(token)).handleRequest(request, { parsedBody: body });
  };

  const http = createServer(getRequestListener(answer, { overrideGlobalObjects: false }));
  const port = await listen(http, options.port ?? 0);
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    stats: () => ({
      initializes: callsBySession.length,
      ...counts,
      callsBySession: [...callsBySession],
      open: sessions.size,
    }),
    forgetSessions,
    async close() {
      sessions.clear();
      await Promise.all([...transports].map((transport) => transport.close()));
      transports.clear();
      const closed = new Promise((resolve) => http.close(resolve));
      http.closeAllConnections();
      await closed;
    },
  };
}

/** The protocol side of one session: lists the tools, checks the arguments, runs the call. */
function sessionServer(state: SessionState, repository: Repository, onCall: () => void): Server {
  const server = new Server(
    { name: "demo", title: "Embedded demo server", version: "1.0.0" },
    { capabilities: { tools: {} } },
  );
  server.setRequestHandler("tools/list", () => ({ tools: EMBEDDED_TOOLS.map((tool) => tool.definition) }));
  server.setRequestHandler("tools/call", async ({ params }): Promise<CallToolResult> => {
    onCall();
    const tool = EMBEDDED_TOOLS.find((candidate) => candidate.definition.name === params.name);
    if (tool === undefined) return failure(`Unknown tool: ${params.name}`);
    const args = params.arguments ?? {};
    const { inputSchema } = tool.definition;
    const problem = wrongEnumValue(inputSchema, args) ?? (await wrongArguments(inputSchema, args));
    return problem === undefined ? tool.run(args, state, repository) : failure(problem);
  });
  return server;
}

type InputSchema = (typeof EMBEDDED_TOOLS)[number]["definition"]["inputSchema"];

async function wrongArguments(schema: InputSchema, args: Record<string, unknown>): Promise<string | undefined> {
  const result = await fromJsonSchema(schema as Parameters<typeof fromJsonSchema>[0])["~standard"].validate(args);
  if (result.issues === undefined) return undefined;
  return `Invalid arguments: ${result.issues.map((issue) => issue.message).join("; ")}`;
}

/** Worded as callers of GitHub's server know it, because the case of a value is the usual mistake. */
function wrongEnumValue(schema: InputSchema, args: Record<string, unknown>): string | undefined {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const allowed = (property as { enum?: readonly string[] }).enum;
    const given = args[name];
    if (allowed === undefined || typeof given !== "string" || allowed.includes(given)) continue;
    const meant = allowed.filter((value) => value.toLowerCase() === given.toLowerCase());
    return `Invalid value for ${name}. Expected ${(meant.length > 0 ? meant : allowed).join(" or ")}, got ${given}`;
  }
  return undefined;
}

function bearerToken(request: Request): string | undefined {
  return /^bearer\s+(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
}

function jsonRpcError(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: "2.0", error: { code, message }, id: null }, { status });
}

function listen(server: HttpServer, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

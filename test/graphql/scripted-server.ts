import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { REJECTION, RETRY_AFTER_MS, type PeerFault } from "../../testing/index.ts";

/** More than the rigs let a handler read. */
const OVERSIZE = 1_000_000;
const ENDLESS_TEXT = "x".repeat(4_000);
/** What may wait to be sent on a socket before a server that minds it stops. */
const MOST_WAITING = 1_000_000;

interface Request {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** How an operation is answered, whichever way it came. */
interface Reply {
  data(value: object): void;
  errors(errors: readonly object[], retryAfterMs?: number): void;
  raw(fault: "malformed" | "oversize"): void;
  cut(): void;
  /** The caller has given it up. */
  readonly gone: AbortSignal;
}

/**
 * A server of one mutation `echo(text)` and one subscription `ticks(count)`, over HTTP, server-sent events and
 * graphql-transport-ws. It executes no GraphQL: it keeps to the protocols, except where it is told otherwise, and counts.
 */
export class ScriptedGraphqlServer {
  tokens: readonly string[] = ["token-of-alice", "token-of-bob"];
  /** Sessions begin with a login, and are known by its cookie. */
  wantsLogin = false;
  opened = 0;
  canceled = 0;
  streamsOpen = 0;
  streamed = 0;
  port = 0;
  fault: PeerFault | undefined;
  faultTimes = Infinity;
  readonly logins = new Map<string, string>();
  readonly sockets = new Set<WebSocket>();
  readonly held: (() => void)[] = [];
  holds = false;
  readonly requests: {
    readonly method: string;
    readonly headers: IncomingMessage["headers"];
    readonly query: string;
  }[] = [];
  readonly #ran = new Map<string, number>();
  readonly #underWay = new Set<ServerResponse>();
  readonly #connections = new Set<Socket>();
  #acknowledged = new Set<WebSocket>();
  #server: Server | undefined;

  static async start(): Promise<ScriptedGraphqlServer> {
    const server = new ScriptedGraphqlServer();
    await server.listen();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/graphql`;
  }
  get acknowledged(): number {
    return this.#acknowledged.size;
  }
  get connections(): number {
    return this.#underWay.size + this.sockets.size;
  }
  ran(text: string): number {
    return this.#ran.get(text) ?? 0;
  }

  async listen(): Promise<void> {
    const server = createServer((request, response) => void this.#onRequest(request, response));
    server.on("connection", (socket) => {
      this.#connections.add(socket);
      socket.on("close", () => this.#connections.delete(socket));
    });
    const sockets = new WebSocketServer({ server, path: "/graphql", handleProtocols: () => "graphql-transport-ws" });
    sockets.on("connection", (socket, request) => this.#onSocket(socket, request));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    for (const socket of this.sockets) socket.terminate();
    for (const socket of this.#connections) socket.destroy();
    this.logins.clear();
    this.sockets.clear();
    this.#acknowledged = new Set();
    await new Promise((resolve) => server.close(resolve));
  }

  release(): void {
    this.holds = false;
    for (const release of this.held.splice(0).reverse()) release();
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#underWay.add(response);
    const gone = new AbortController();
    response.on("close", () => {
      this.#underWay.delete(response);
      if (!response.writableEnded) gone.abort();
    });
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const asked = readRequest(request, body);
    this.requests.push({ method: request.method ?? "", headers: request.headers, query: asked.query });
    const send = (status: number, value: object, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { "content-type": "application/graphql-response+json; charset=utf-8", ...headers });
      response.end(JSON.stringify(value));
    };
    const refuse = (): void => send(401, { errors: [{ message: "No.", extensions: { code: "UNAUTHENTICATED" } }] });
    if (/__typename|login/.test(asked.query) && this.fault === "hangs-opening") return;
    const token = (request.headers.authorization ?? "").replace("Bearer ", "");
    if (this.wantsLogin) {
      if (asked.query.includes("login")) return this.#logIn(String(asked.variables["token"]), send);
      const id = /sid=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1] ?? "";
      if (!this.logins.has(id)) return refuse();
      if (asked.query.includes("logout")) {
        this.logins.delete(id);
        return send(200, { data: { logout: true } });
      }
    } else if (!this.tokens.includes(token)) return refuse();
    if (asked.query.includes("__typename")) {
      this.opened++;
      return send(200, { data: { __typename: "Query" } });
    }
    if (asked.query.includes("subscription")) return this.#stream(asked, eventsOver(response), gone.signal);
    this.#echo(asked, {
      gone: gone.signal,
      data: (data) => send(200, { data }),
      errors: (errors, retryAfterMs) =>
        send(200, { errors }, retryAfterMs === undefined ? {} : { "retry-after": String(retryAfterMs / 1_000) }),
      raw: (fault) => {
        response.writeHead(200, { "content-type": "application/json" });
        response.end(fault === "malformed" ? '{"data":{"echo"' : JSON.stringify({ data: "x".repeat(OVERSIZE) }));
      },
      cut: () => {
        response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
        response.write('{"data":');
        setImmediate(() => request.socket.destroy());
      },
    });
  }

  #logIn(token: string, send: (status: number, value: object, headers?: Record<string, string>) => void): void {
    if (!this.tokens.includes(token)) {
      send(200, { errors: [{ message: "Wrong password." }], data: { login: null } });
      return;
    }
    this.opened++;
    const id = randomUUID();
    this.logins.set(id, token);
    send(200, { data: { login: true } }, { "set-cookie": `sid=${id}; Path=/; HttpOnly` });
  }

  #onSocket(socket: WebSocket, request: IncomingMessage): void {
    this.sockets.add(socket);
    const running = new Map<string, AbortController>();
    socket.on("error", () => {});
    socket.on("close", () => {
      this.sockets.delete(socket);
      this.#acknowledged.delete(socket);
      for (const controller of running.values()) controller.abort();
    });
    const send = (message: object): void => socket.send(JSON.stringify(message));
    socket.on("message", (data: Buffer) => {
      const message = JSON.parse(data.toString()) as { type: string; id: string; payload?: Request };
      if (message.type === "connection_init") {
        if (this.fault === "hangs-opening") return;
        const token = (request.headers.authorization ?? "").replace("Bearer ", "");
        if (!this.tokens.includes(token)) return socket.close(4403, "Forbidden");
        this.opened++;
        this.#acknowledged.add(socket);
        return send({ type: "connection_ack" });
      }
      if (message.type === "ping") return send({ type: "pong" });
      if (message.type === "complete") {
        running.get(message.id)?.abort();
        return;
      }
      if (message.type !== "subscribe") return;
      const { id, payload } = message;
      const controller = new AbortController();
      running.set(id, controller);
      const over = (): void => void running.delete(id);
      const asked = { query: payload?.query ?? "", variables: payload?.variables ?? {} };
      if (asked.query.includes("subscription")) {
        this.#stream(asked, eventsOn(socket, id, over), controller.signal);
        return;
      }
      this.#echo(asked, {
        gone: controller.signal,
        data: (value) => {
          over();
          send({ id, type: "next", payload: { data: value } });
          send({ id, type: "complete" });
        },
        errors: (errors) => {
          over();
          send({ id, type: "error", payload: errors });
        },
        raw: (fault) =>
          fault === "malformed"
            ? send({ type: "nonsense" })
            : send({ id, type: "next", payload: "x".repeat(OVERSIZE) }),
        cut: () => socket.terminate(),
      });
    });
  }

  #echo({ variables }: Request, reply: Reply): void {
    const text = String(variables["text"]);
    reply.gone.addEventListener("abort", () => this.canceled++, { once: true });
    const run = (): void => {
      if (reply.gone.aborted) return;
      this.#ran.set(text, this.ran(text) + 1);
      reply.data({ echo: text });
    };
    if (this.holds) {
      this.held.push(run);
      return;
    }
    const { fault } = this;
    if (fault === undefined || fault === "hangs-opening" || this.faultTimes-- <= 0) return run();
    switch (fault) {
      case "throttled": {
        const extensions = { code: "RATE_LIMITED", retryAfter: RETRY_AFTER_MS / 1_000 };
        return reply.errors([{ message: "Slower.", extensions }], RETRY_AFTER_MS);
      }
      case "rejected":
        return reply.errors([{ message: REJECTION, extensions: { code: "BAD_USER_INPUT" } }]);
      case "hangs-calling":
        return;
      default:
        this.#ran.set(text, this.ran(text) + 1);
        if (fault === "cut") reply.cut();
        else if (fault === "malformed" || fault === "oversize") reply.raw(fault);
    }
  }

  #stream({ variables }: Request, out: EventOutput, gone: AbortSignal): void {
    const count = Number(variables["count"]);
    this.streamsOpen++;
    void (async () => {
      for (let at = 0; (count === 0 || at < count) && !gone.aborted && !out.isClosed(); at++) {
        await out.next({ data: { ticks: count === 0 ? ENDLESS_TEXT : at } });
        if (count === 0) this.streamed++;
      }
      if (!gone.aborted) out.end();
    })().finally(() => this.streamsOpen--);
  }
}

interface EventOutput {
  next(value: object): Promise<void>;
  end(): void;
  isClosed(): boolean;
}

function eventsOver(response: ServerResponse): EventOutput {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(":\n\n");
  return {
    async next(value) {
      if (response.write(`event: next\ndata: ${JSON.stringify(value)}\n\n`)) await tick();
      else await new Promise<void>((resolve) => response.once("drain", resolve).once("close", resolve));
    },
    end: () => response.end("event: complete\ndata:\n\n"),
    isClosed: () => response.destroyed,
  };
}

function eventsOn(socket: WebSocket, id: string, over: () => void): EventOutput {
  return {
    async next(value) {
      if (socket.readyState !== WebSocket.OPEN) return;
      socket.send(JSON.stringify({ id, type: "next", payload: value }));
      await tick();
      while (socket.bufferedAmount > MOST_WAITING && socket.readyState === WebSocket.OPEN)
        await new Promise((resolve) => setTimeout(resolve, 5));
    },
    end() {
      over();
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ id, type: "complete" }));
    },
    isClosed: () => socket.readyState !== WebSocket.OPEN,
  };
}

function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function readRequest({ method, url = "" }: IncomingMessage, body: string): Request {
  if (method === "GET") {
    const { searchParams } = new URL(url, "http://127.0.0.1");
    const variables = JSON.parse(searchParams.get("variables") ?? "{}") as Request["variables"];
    return { query: searchParams.get("query") ?? "", variables };
  }
  const { query, variables } = JSON.parse(body) as Partial<Request>;
  return { query: query ?? "", variables: variables ?? {} };
}

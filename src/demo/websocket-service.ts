import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";

import { WebSocketServer, type WebSocket } from "ws";
import { SessionLedger, type ServiceSeen } from "./service.ts";

export interface WebSocketServiceOptions {
  /** Default 0: any free port. */
  readonly port?: number | undefined;
  /** Bearer tokens it lets in. Default: everybody. */
  readonly tokens?: readonly string[] | undefined;
  /** Milliseconds between two events. Default 20. */
  readonly paceMs?: number | undefined;
}

/** What the service saw since it started. */
export interface WebSocketServiceStats {
  /** Sockets opened. */
  readonly connections: number;
  /** Sockets open now. */
  readonly open: number;
  /** Sockets that it cut. */
  readonly dropped: number;
  /** Handshakes refused for their token. */
  readonly refused: number;
  /** Requests answered. */
  readonly calls: number;
  /** Events sent. */
  readonly events: number;
  /** Subscriptions open now. */
  readonly subscriptions: number;
}

export interface WebSocketService {
  readonly url: string;
  stats(): WebSocketServiceStats;
  /** The same by its sessions, which are sockets. */
  seen(): ServiceSeen;
  /** Cuts every socket, as a restart would. */
  dropConnections(): void;
  /** Ends every socket and frees the port. */
  close(): Promise<void>;
}

/** A build of the imaginary repository. */
export interface Build {
  readonly issue: number;
  readonly commit: string;
  readonly state: "passed" | "failed" | "running";
  readonly minutes: number;
}

interface Request {
  readonly id?: number | string | null;
  readonly method?: unknown;
  readonly params?: Record<string, unknown>;
}

interface Client {
  readonly socket: WebSocket;
  readonly subscriptions: Map<string, NodeJS.Timeout>;
}

const STATES = ["passed", "passed", "failed", "running"] as const;
/** The service tells of this many builds; whoever wants more waits for ever. */
const LAST_EVENT = 1_000_000;

/** The build of an issue: the same one at every start. */
export function buildOf(issue: number): Build {
  return {
    issue,
    commit: (0x9e3779b1 * issue).toString(16).padStart(8, "0").slice(-8),
    state: STATES[(issue * 5) % STATES.length] as Build["state"],
    minutes: 2 + ((issue * 7) % 11),
  };
}

/**
 * A service in this process, on the loopback interface: JSON-RPC 2.0 over one WebSocket. `builds.get {issue}` gives the
 * build of an issue; `builds.watch {after?, until?}` tells of builds one by one as notifications `builds.event`, after
 * a given one and up to another, or until `builds.unwatch {subscription}` comes. It needs no network, and is for
 * demonstrations and tests.
 */
export async function startWebSocketService(options: WebSocketServiceOptions = {}): Promise<WebSocketService> {
  const { port = 0, tokens, paceMs = 20 } = options;
  const counts = { connections: 0, dropped: 0, refused: 0, calls: 0, events: 0 };
  const clients = new Set<Client>();
  const ledger = new SessionLedger<Client>();
  const sockets = new Set<Socket>();
  let lastSubscription = 0;

  const server = createServer((_request, response) => {
    response.writeHead(426, { "content-type": "text/plain", upgrade: "websocket" }).end("Speak WebSocket here.\n");
  });
  const wss = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 });

  const watch = (client: Client, { after, until }: Record<string, unknown>): { subscription: string } => {
    const subscription = `builds-${++lastSubscription}`;
    const first = Number(after ?? 0) + 1;
    const last = until === undefined ? LAST_EVENT : Number(until);
    const tell = (method: string, params: object): void =>
      client.socket.send(JSON.stringify({ jsonrpc: "2.0", method, params: { subscription, ...params } }));
    let next = first;
    const timer = setInterval(() => {
      if (next <= last) {
        counts.events++;
        tell("builds.event", { sequence: next, build: buildOf(next) });
        next++;
        return;
      }
      stop(client, subscription);
      tell("builds.done", {});
    }, paceMs);
    client.subscriptions.set(subscription, timer);
    return { subscription };
  };

  const stop = (client: Client, subscription: string): boolean => {
    clearInterval(client.subscriptions.get(subscription));
    return client.subscriptions.delete(subscription);
  };

  const answer = (client: Client, { id, method, params = {} }: Request): void => {
    const say = (reply: object): void => {
      if (id !== undefined) client.socket.send(JSON.stringify({ jsonrpc: "2.0", id, ...reply }));
    };
    counts.calls++;
    // That nobody wants more of a subscription belongs to the call that began it.
    if (method !== "builds.unwatch") ledger.count(client);
    const { issue, subscription } = params;
    switch (method) {
      case "builds.get":
        if (!Number.isSafeInteger(issue) || (issue as number) < 1) {
          say({ error: { code: -32602, message: "issue has to be the number of an issue" } });
        } else say({ result: buildOf(issue as number) });
        return;
      case "builds.watch":
        say({ result: watch(client, params) });
        return;
      case "builds.unwatch":
        say({ result: stop(client, typeof subscription === "string" ? subscription : "") });
        return;
      default:
        say({ error: { code: -32601, message: "Method not found" } });
    }
  };

  const welcome = (socket: WebSocket): void => {
    const client: Client = { socket, subscriptions: new Map() };
    clients.add(client);
    ledger.open(client);
    counts.connections++;
    socket.on("error", () => {});
    socket.on("close", () => {
      clients.delete(client);
      ledger.close(client);
      for (const subscription of [...client.subscriptions.keys()]) stop(client, subscription);
    });
    socket.on("message", (data: Buffer) => {
      const request = parse(data.toString("utf8"));
      if (request === undefined) socket.close(1007, "no JSON");
      else answer(client, request);
    });
  };

  server.on("upgrade", (request, socket, head) => {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    // A page in a browser must not reach this service: only browsers say where a page is from.
    const status = request.headers.origin !== undefined ? "403 Forbidden" : "401 Unauthorized";
    const isKnown = tokens === undefined || (token !== undefined && tokens.includes(token));
    if (request.headers.origin !== undefined || !isKnown) {
      counts.refused++;
      socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    wss.handleUpgrade(request, socket, head, welcome);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });

  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stats: () => ({
      ...counts,
      open: clients.size,
      subscriptions: [...clients].reduce((sum, { subscriptions }) => sum + subscriptions.size, 0),
    }),
    seen: () => ledger.seen(),
    dropConnections() {
      counts.dropped += clients.size;
      ledger.forgetAll();
      for (const { socket } of clients) socket.terminate();
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function parse(text: string): Request | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

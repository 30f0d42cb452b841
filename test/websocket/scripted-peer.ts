import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";

import { WebSocketServer, type WebSocket } from "ws";

import type { JsonObject, JsonValue } from "../../src/kernel/index.ts";
import { REJECTION, RETRY_AFTER_MS, type HandlerPeer, type PeerFault, type PeerStream } from "../../testing/index.ts";
import type { Dialect } from "./dialects.ts";

export const LIMIT = 100_000;
const TOKENS = ["token-of-alice", "token-of-bob"];
const ITEM = "x".repeat(4_000);

interface Client {
  readonly socket: WebSocket;
  loggedIn: boolean;
  /** It does not know the session any more, and says so. */
  forgotten: boolean;
  /** Answers in the order of their requests; undefined: not known yet. */
  readonly line: { frame: string | undefined }[];
}

/** A peer that speaks one of the dialects, does what a check tells it, and counts what it sees. */
export class ScriptedPeer implements HandlerPeer {
  block: JsonObject = {};
  readonly env: Record<string, string> = { LINE_TOKEN: TOKENS[0] as string };
  readonly credential = { variable: "LINE_TOKEN", other: TOKENS[1] as string };
  opened = 0;
  canceled = 0;
  readonly stream: PeerStream;

  readonly #dialect: Dialect;
  readonly #ran = new Map<string, number>();
  readonly #held: { readonly release: () => void; readonly id: JsonValue | undefined }[] = [];
  readonly #clients = new Set<Client>();
  readonly #sockets = new Set<Duplex>();
  readonly #streams = new Map<string, () => void>();
  #server: Server | undefined;
  #port = 0;
  #holds = false;
  #fault: PeerFault | undefined;
  #times = 0;
  #sentItems = 0;
  #lastStream = 0;

  static async start(dialect: Dialect): Promise<ScriptedPeer> {
    const peer = new ScriptedPeer(dialect);
    await peer.#listen();
    return peer;
  }

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
    // What is counted is this peer's own.
    // oxlint-disable-next-line typescript/no-this-alias
    const peer = this;
    this.stream = {
      get block(): JsonObject {
        return { ...peer.block, ...dialect.streamBlock };
      },
      input: { count: 5 },
      events: Array.from({ length: 5 }, (_, index) => ({ type: "data", value: { n: index } })),
      get open(): number {
        return peer.#streams.size;
      },
      endless: { count: -1 },
      get sent(): number {
        return peer.#sentItems;
      },
    };
  }

  input = (text: string): JsonObject => ({ text });
  output = (text: string): JsonObject => ({ text });
  ran = (text: string): number => this.#ran.get(text) ?? 0;

  get url(): string {
    return `ws://127.0.0.1:${this.#port}/`;
  }
  get sessions(): number {
    return [...this.#clients].filter(({ loggedIn }) => loggedIn).length;
  }
  get connections(): number {
    return this.#sockets.size;
  }
  get held(): number {
    return this.#held.length;
  }

  async #listen(): Promise<void> {
    const server = createServer((_request, response) => response.writeHead(404).end());
    const wss = new WebSocketServer({ noServer: true, handleProtocols: (protocols) => [...protocols][0] ?? false });
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket)).on("error", () => {});
    });
    server.on("upgrade", (request, socket, head) => {
      if (this.#fault === "hangs-opening" && this.#dialect.loginOp === undefined) {
        // Read on, so as to see it go.
        socket.resume().on("end", () => socket.end());
        return;
      }
      if (!this.#admits(request)) {
        socket.end("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        return;
      }
      wss.handleUpgrade(request, socket, head, (ws) => this.#welcome(ws));
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, "127.0.0.1", resolve);
    });
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    this.block = { ...this.#dialect.block, url: this.url, auth_env_var: "LINE_TOKEN", max_response_bytes: LIMIT };
  }

  #admits(request: IncomingMessage): boolean {
    if (this.#dialect.loginOp !== undefined) return true;
    if (this.#fault === "unauthenticated") return false;
    const token = this.#dialect.tokenOf(request);
    return token !== undefined && TOKENS.includes(token);
  }

  #welcome(socket: WebSocket): void {
    const loggedIn = this.#dialect.loginOp === undefined;
    const client: Client = { socket, loggedIn, forgotten: false, line: [] };
    this.#clients.add(client);
    if (loggedIn) this.opened++;
    socket.on("close", () => {
      this.#clients.delete(client);
      for (const [id, stop] of this.#streams) if (id.startsWith(`${this.#idOf(client)}/`)) stop();
    });
    socket.on("error", () => {});
    socket.on("message", (data: Buffer) => void this.#receive(client, JSON.parse(data.toString("utf8")) as JsonObject));
  }

  readonly #ids = new WeakMap<Client, number>();
  #lastClient = 0;
  #idOf(client: Client): number {
    let id = this.#ids.get(client);
    if (id === undefined) this.#ids.set(client, (id = ++this.#lastClient));
    return id;
  }

  async #receive(client: Client, message: JsonObject): Promise<void> {
    const { id, op, args } = this.#dialect.parse(message);
    const place: Client["line"][number] = { frame: undefined };
    if (this.#dialect.inOrder) client.line.push(place);
    const say = (frame: string): void => {
      if (!this.#dialect.inOrder) return client.socket.send(frame);
      place.frame = frame;
      while (client.line[0]?.frame !== undefined) client.socket.send(client.line.shift()?.frame as string);
    };
    const answer = (result: JsonValue): void => say(JSON.stringify(this.#dialect.answer(id, result)));
    const refuse = (code: number, text: string, data?: JsonObject): void =>
      say(JSON.stringify(this.#dialect.refusal(id, code, text, data)));

    if (op === this.#dialect.loginOp) {
      if (this.#fault === "hangs-opening") return;
      if (this.#fault === "unauthenticated" || !TOKENS.includes(args["token"] as string))
        return refuse(401, "bad token");
      client.loggedIn = true;
      this.opened++;
      return answer("welcome");
    }
    if (op === "cancel") {
      this.canceled++;
      return;
    }
    if (client.forgotten) return refuse(-32001, "Session not found");
    if (op === "stop") {
      this.#streams.get(args["stream"] as string)?.();
      return answer(true);
    }
    if (op === "count") return this.#count(client, Number(args["count"]), answer);

    const text = args["text"] as string;
    const fault = this.#times-- > 0 ? this.#fault : undefined;
    if (fault === "throttled") return refuse(429, "slow down", { retry_after: RETRY_AFTER_MS / 1000 });
    if (fault === "rejected") return refuse(-32602, REJECTION);
    if (fault === "hangs-calling") return;
    if (this.#holds) await new Promise<void>((release) => this.#held.push({ release, id }));
    this.#ran.set(text, this.ran(text) + 1);
    if (fault === "cut") return client.socket.terminate();
    if (fault === "malformed") return client.socket.send('{"half');
    if (fault === "oversize") return answer("x".repeat(10 * LIMIT));
    answer({ text });
  }

  #count(client: Client, count: number, answer: (result: JsonValue) => void): void {
    const stream = `${this.#idOf(client)}/${++this.#lastStream}`;
    let stopped = false;
    this.#streams.set(stream, () => {
      stopped = true;
      this.#streams.delete(stream);
    });
    answer({ stream });
    const { socket } = client;
    const item = (n: number): string =>
      JSON.stringify(this.#dialect.event(stream, count < 0 ? { n, pad: ITEM } : { n }));
    if (count >= 0) {
      for (let n = 0; n < count; n++) socket.send(item(n));
      socket.send(JSON.stringify(this.#dialect.done(stream)));
      this.#streams.delete(stream);
      return;
    }
    let n = 0;
    const pump = (): void => {
      for (let burst = 0; burst < 16 && !stopped; burst++) {
        if (socket.bufferedAmount > 256 * 1024) break;
        this.#sentItems++;
        socket.send(item(n++));
      }
      if (!stopped) setTimeout(pump, 1);
    };
    pump();
  }

  dial(fault: PeerFault, times = Infinity): void {
    this.#fault = fault;
    this.#times = times;
  }
  heal(): void {
    this.#fault = undefined;
    this.#times = 0;
  }
  hold(): () => void {
    this.#holds = true;
    return () => {
      this.#holds = false;
      for (const { release } of this.#held.splice(0).reverse()) release();
    };
  }

  lose(loss: string): void {
    for (const client of this.#clients) {
      if (loss === LOSSES.goingAway) client.socket.close(1001);
      else if (loss === LOSSES.cut) client.socket.terminate();
      else client.forgotten = true;
    }
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const { release } of this.#held.splice(0)) release();
    for (const stop of this.#streams.values()) stop();
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.#listen();
  }

  [Symbol.asyncDispose] = (): Promise<void> => this.stop();
}

export const LOSSES = {
  goingAway: "the peer goes away (1001)",
  cut: "the connection is cut",
  forgotten: "the peer answers that it knows no session",
} as const;

import type { JsonObject, StreamEvent } from "../../src/kernel/index.ts";
import { createGraphqlHandler } from "../../src/providers/graphql/index.ts";
import type { HandlerPeer, HandlerRig, PeerFault, PeerStream } from "../../testing/index.ts";
import { ScriptedGraphqlServer } from "./scripted-server.ts";

const LIMIT = 100_000;
const ECHO = "mutation Echo($text: String!) { echo(text: $text) }";
const TICKS = "subscription Ticks($count: Int!) { ticks(count: $count) }";
const FORGOTTEN = "the login is forgotten";
const CLOSED = "the socket is closed";

type Way = "http" | "login" | "ws";

/** Queries and mutations over HTTP. There is nothing in such a session that could be lost. */
export function httpRig(subscriptions: "ws" | "sse"): HandlerRig {
  const stateless = "a session over HTTP is a connection and credentials: the server holds nothing of it";
  return {
    createHandler: createGraphqlHandler,
    startPeer: () => GraphqlPeer.start("http", subscriptions),
    losses: {},
    without: {
      sessions: stateless,
      restart: `${stateless}, so it serves on after a restart; see http.test.ts`,
      renewal: "there are tokens to renew only with OAuth 2, whose requests have tests of their own",
    },
  };
}

/** The same with a login, whose cookie the server may forget. */
export const loginRig: HandlerRig = {
  createHandler: createGraphqlHandler,
  startPeer: () => GraphqlPeer.start("login", "sse"),
  losses: { [FORGOTTEN]: "silent" },
  without: { renewal: "a login is repeated by a new session" },
};

/** Everything over one socket, which is the session. */
export const socketRig: HandlerRig = {
  createHandler: createGraphqlHandler,
  startPeer: () => GraphqlPeer.start("ws", "ws"),
  losses: { [CLOSED]: "noticed" },
  without: { renewal: "there are tokens to renew only with OAuth 2, whose requests have tests of their own" },
};

class GraphqlPeer implements HandlerPeer {
  readonly block: JsonObject;
  readonly env: Record<string, string> = { LINE_TOKEN: "token-of-alice" };
  readonly credential = { variable: "LINE_TOKEN", other: "token-of-bob" };
  readonly #server: ScriptedGraphqlServer;
  readonly #way: Way;
  readonly #subscriptions: string;

  static async start(way: Way, subscriptions: "ws" | "sse"): Promise<GraphqlPeer> {
    const server = await ScriptedGraphqlServer.start();
    server.wantsLogin = way === "login";
    return new GraphqlPeer(server, way, subscriptions);
  }

  constructor(server: ScriptedGraphqlServer, way: Way, subscriptions: string) {
    this.#server = server;
    this.#way = way;
    this.#subscriptions = subscriptions;
    this.block = { ...this.#common, operation: ECHO, result_field: "echo" };
  }

  get #common(): JsonObject {
    const place = { endpoint: this.#server.url, requires_session: "true", max_response_bytes: LIMIT };
    const subscription = { subscription_transport: this.#subscriptions };
    if (this.#way === "ws") return { ...place, ...subscription, transport: "ws", auth_env_var: "LINE_TOKEN" };
    if (this.#way === "http") return { ...place, ...subscription, auth_env_var: "LINE_TOKEN" };
    const login = {
      operation: "mutation ($token: String!) { login(token: $token) }",
      variables: { token: "${LINE_TOKEN}" },
      logout: "mutation { logout }",
    };
    return { ...place, ...subscription, login };
  }

  input = (text: string): JsonObject => ({ text });
  output = (text: string): string => text;
  ran = (text: string): number => this.#server.ran(text);

  get opened(): number {
    return this.#server.opened;
  }
  get sessions(): number {
    return this.#way === "ws" ? this.#server.acknowledged : this.#server.logins.size;
  }
  get connections(): number {
    return this.#server.connections;
  }
  get held(): number {
    return this.#server.held.length;
  }
  get canceled(): number {
    return this.#server.canceled;
  }
  get stream(): PeerStream {
    const server = this.#server;
    const events = [0, 1, 2, 3].map((value): StreamEvent => ({ type: "data", value }));
    return {
      block: { ...this.#common, operation: TICKS, result_field: "ticks" },
      input: { count: events.length },
      events,
      endless: { count: 0 },
      get open() {
        return server.streamsOpen;
      },
      get sent() {
        return server.streamed;
      },
    };
  }

  dial(fault: PeerFault, times = Infinity): void {
    if (fault === "unauthenticated") this.#server.tokens = [];
    else Object.assign(this.#server, { fault, faultTimes: times });
  }
  heal(): void {
    Object.assign(this.#server, { fault: undefined, tokens: ["token-of-alice", "token-of-bob"] });
  }
  hold(): () => void {
    this.#server.holds = true;
    return () => this.#server.release();
  }
  lose(loss: string): void {
    if (loss === FORGOTTEN) this.#server.logins.clear();
    else for (const socket of this.#server.sockets) socket.close(1001, "Going away");
  }
  stop = (): Promise<void> => this.#server.stop();
  async restart(): Promise<void> {
    await this.#server.stop();
    await this.#server.listen();
  }
  [Symbol.asyncDispose] = (): Promise<void> => this.#server.stop();
}

import { createOpenApiHandler } from "../../src/providers/openapi/index.ts";
import type { JsonObject, StreamEvent } from "../../src/kernel/index.ts";
import type { HandlerPeer, HandlerRig, PeerFault, PeerStream } from "../../testing/index.ts";
import { LOSSES, RestServer, type Manner } from "./rest-server.ts";

const LIMIT = 100_000;
const NO_LOGIN = "the server has no sessions: what is kept is the connection, and the token that goes along";

const WITHOUT: Readonly<Record<Manner, HandlerRig["without"]>> = {
  login: {
    renewal: "a login is begun again with a new session",
  },
  token: {
    sessions: NO_LOGIN,
    "hangs-opening": "nothing is sent to open a session",
    unauthenticated: "nothing is sent to open a session: the first call finds out, and says so",
    restart: "a token outlives the server's restart",
    restore: "there is nothing to go on with",
    renewal: "a token that is always the same cannot be renewed",
  },
  oauth: {
    sessions: NO_LOGIN,
    restart: "tokens that are refused are renewed",
    restore: "there is nothing to go on with",
  },
};

export function rigFor(manner: Manner, streams: "pages" | "events"): HandlerRig {
  return {
    createHandler: () => createOpenApiHandler({ openTimeoutMs: 5_000 }),
    startPeer: async () => new RestPeer(await RestServer.start(manner), streams),
    losses: manner === "login" ? Object.fromEntries(Object.keys(LOSSES).map((name) => [name, "silent"])) : {},
    without: WITHOUT[manner] ?? {},
  };
}

class RestPeer implements HandlerPeer {
  readonly block: JsonObject;
  readonly env: Record<string, string> = { LINE_TOKEN: "token-of-alice" };
  readonly credential = { variable: "LINE_TOKEN", other: "token-of-bob" };
  readonly stream: PeerStream;
  readonly renewal: { expire(): void; readonly count: number };
  readonly #server: RestServer;

  constructor(server: RestServer, streams: "pages" | "events") {
    this.#server = server;
    const common = { base_url: server.url, max_response_bytes: LIMIT, probe_path: "/me", ...wayIn(server) };
    this.block = { ...common, path: "/echo", method: "POST", request_body: { required: true } };
    const pages = {
      ...common,
      path: "/pages",
      parameters: [
        { name: "cursor", in: "query" },
        { name: "endless", in: "query" },
      ],
      pagination: { cursor_param: "cursor", cursor_path: "next", items_path: "items" },
    };
    const events = {
      ...common,
      path: "/events",
      parameters: [{ name: "endless", in: "query" }],
      accept: "text/event-stream",
    };
    this.stream = {
      block: streams === "pages" ? pages : events,
      input: {},
      events: streams === "pages" ? PAGE_EVENTS : SERVER_EVENTS,
      endless: { endless: true },
      get open() {
        return server.streams;
      },
      get sent() {
        return server.sent;
      },
    };
    this.renewal = {
      expire: () => server.forget(),
      get count() {
        return server.renewed;
      },
    };
  }

  input = (text: string): JsonObject => ({ body: { text } });
  output = (text: string): JsonObject => ({ text });
  ran = (text: string): number => this.#server.ran.get(text) ?? 0;

  get opened(): number {
    return this.#server.opened;
  }
  get sessions(): number {
    return this.#server.sessions.size;
  }
  get connections(): number {
    return this.#server.underWay;
  }
  get held(): number {
    return this.#server.held;
  }
  get canceled(): number {
    return this.#server.canceled;
  }

  dial(fault: PeerFault, times = Infinity): void {
    if (fault === "unauthenticated") this.#server.tokens.clear();
    else Object.assign(this.#server, { fault, faultTimes: times });
  }
  heal(): void {
    Object.assign(this.#server, { fault: undefined, faultTimes: Infinity });
    this.#server.tokens = new Set(["token-of-alice", "token-of-bob"]);
  }
  hold = (): (() => void) => this.#server.hold();
  lose(loss: string): void {
    this.#server.loss = loss as keyof typeof LOSSES;
    this.#server.forget();
  }
  stop = (): Promise<void> => this.#server.stop();
  restart = (): Promise<void> => this.#server.restart();
  [Symbol.asyncDispose] = (): Promise<void> => this.#server.stop();
}

function wayIn({ manner, url }: RestServer): JsonObject {
  switch (manner) {
    case "login":
      return {
        login: { path: "/login", body: { token: "${LINE_TOKEN}" }, logout: { path: "/login", method: "DELETE" } },
      };
    case "token":
      return { auth_env_var: "LINE_TOKEN" };
    case "oauth":
      return {
        auth: {
          type: "oauth2",
          grant: "client_credentials",
          token_url: `${url}/token`,
          client_id: "reader-7",
          client_secret_env_var: "LINE_TOKEN",
        },
      };
  }
}

const PAGE_EVENTS: StreamEvent[] = [
  { type: "data", value: 0, cursor: '{"taken":1,"page":1}' },
  { type: "data", value: 1, cursor: '{"value":"1","taken":0,"page":2}' },
  { type: "data", value: 2, cursor: '{"value":"1","taken":1,"page":2}' },
  { type: "data", value: 3, cursor: '{"value":"2","taken":0,"page":3}' },
  { type: "data", value: 4, cursor: '{"value":"2","taken":1,"page":3}' },
  { type: "data", value: 5, cursor: '{"value":"2","taken":2,"page":3}' },
];
const SERVER_EVENTS: StreamEvent[] = [1, 2, 3].map((n) => ({
  type: "data",
  value: { n },
  cursor: `{"taken":0,"page":1,"event":"${n}"}`,
}));

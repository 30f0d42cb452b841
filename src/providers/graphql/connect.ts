import type { Dispatcher } from "undici";

import {
  ACCEPT_ENCODING,
  type Authorizer,
  type CookieSession,
  type Exchange,
  type HttpResponse,
} from "../../http/index.ts";
import { CcosError, isJsonObject, Roster, type JsonValue, type StreamEvent } from "../../kernel/index.ts";
import type { SessionCall, SessionContext, Target } from "../../session/handler.ts";
import { logIn } from "./log-in.ts";
import { classify } from "./map-error.ts";
import { readValue, type GraphqlResponse } from "./map-value.ts";
import { askOverSocket } from "./ask-over-socket.ts";
import { ask, type GraphqlRequest, type HttpLink, type PersistedQueries } from "./request.ts";
import { GraphqlSocket } from "./socket.ts";
import { subscribe } from "./subscribe.ts";
import { secretsOf, settingsOf, type GraphqlSettings } from "./target.ts";

export interface ConnectOptions {
  readonly dispatcher: Dispatcher;
  readonly authorizer: Authorizer;
  readonly context: SessionContext;
}

/** An answer, over whichever transport it came. */
export interface Answer {
  readonly response: GraphqlResponse;
  /** Its head, where it came over HTTP. */
  readonly http?: HttpResponse | undefined;
  /** How long the server asks to wait. */
  readonly retryAfterMs?: (() => number | undefined) | undefined;
}

export interface AskOptions {
  readonly signal: AbortSignal;
  /** Over HTTP: how it is sent. Default POST. */
  readonly method?: "GET" | "POST" | undefined;
  /** Over HTTP: a hash of the document is tried in its place. */
  readonly persisted?: boolean | undefined;
  readonly sent?: (() => void) | undefined;
  /** Go with this request alone. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

const USER_AGENT = "ccos";
const OPENING_MS = 30_000;
const HANDSHAKE: GraphqlRequest = { query: "{ __typename }", variables: {} };

/** Opens what a session is: who we are, cookies or a token of a login, and a socket where all goes over one. */
export async function connect(target: Target, options: ConnectOptions): Promise<Connection> {
  const { context, authorizer } = options;
  const settings = settingsOf(target);
  for (const secret of secretsOf(target)) context.addSecret(secret);
  const { headers, expiresAt } = await authorizer.open(settings.place, context);
  const connection = new Connection(target, { ...options, headers, expiresAt });
  try {
    await connection.open();
  } catch (error) {
    await connection.close();
    throw error;
  }
  return connection;
}

interface Opening extends ConnectOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly expiresAt: number | undefined;
}

/** One session's way to its server. */
export class Connection {
  readonly target: Target;
  readonly context: SessionContext;
  readonly #settings: GraphqlSettings;
  readonly #dispatcher: Dispatcher;
  readonly #tokenEndsAt: number | undefined;
  readonly #underWay = new Roster<Exchange>();
  readonly #persisted: PersistedQueries = { isRefused: false };
  readonly #closing = new AbortController();
  #headers: Readonly<Record<string, string>>;
  #cookies: CookieSession | undefined;
  #socket: Promise<GraphqlSocket> | undefined;
  /** The server takes subscriptions, but not over a socket: found out once. */
  hasNoSocket = false;

  constructor(target: Target, { context, dispatcher, headers, expiresAt }: Opening) {
    this.target = target;
    this.context = context;
    this.#settings = settingsOf(target);
    this.#dispatcher = dispatcher;
    // Some servers refuse whoever does not say what it is, GitHub's among them.
    this.#headers = { "user-agent": USER_AGENT, ...headers };
    // Within this machine, compressing would cost more than it saves.
    if (this.#settings.url.protocol === "https:")
      this.#headers = { "accept-encoding": ACCEPT_ENCODING, ...this.#headers };
    this.#tokenEndsAt = expiresAt;
  }

  /** When what it was opened with ends, on the wall clock. */
  get expiresAt(): number | undefined {
    const ends = [this.#tokenEndsAt, this.#cookies?.expiresAt()].filter((end) => end !== undefined);
    return ends.length === 0 ? undefined : Math.min(...ends);
  }

  async open(): Promise<void> {
    const { login, transport, handshake } = this.#settings;
    const { signal } = this.context;
    if (login !== undefined) {
      const { cookies, token } = await logIn(login, this.target, this.context, (request) =>
        ask(this.link(), request, { method: "POST", signal }),
      );
      this.#cookies = cookies;
      if (token !== undefined) this.#headers = { ...this.#headers, authorization: `Bearer ${token}` };
    }
    if (transport === "ws") await this.socket();
    // A login has shown already that the server is there.
    else if (handshake && login === undefined) await this.#shakeHands(signal);
  }

  /** Runs one query or mutation. */
  async ask(request: GraphqlRequest, options: AskOptions): Promise<Answer> {
    if (this.#settings.transport === "ws") {
      return askOverSocket(await this.socket(), request, options);
    }
    const { method = "POST", persisted, signal, sent, headers } = options;
    const hashes = persisted === true ? this.#persisted : undefined;
    const answer = await ask(this.link(), request, { method, signal, sent, headers, persisted: hashes });
    this.#cookies?.take(this.#settings.url, answer.http);
    return answer;
  }

  /** Runs one subscription: it begins when its first event is asked for. */
  subscribe(call: SessionCall, prepare: () => GraphqlRequest | Promise<GraphqlRequest>): AsyncIterable<StreamEvent> {
    return subscribe(this, call, prepare);
  }

  /** Asks for the schema; see `introspect`. */
  async askSchema(query: string, signal: AbortSignal): Promise<GraphqlResponse> {
    const request = { query, variables: {} };
    if (this.#settings.transport === "ws")
      return (await askOverSocket(await this.socket(), request, { signal })).response;
    const link = this.link();
    // A schema of megabytes is worth the work of decompressing it.
    const headers = { ...link.headers, "accept-encoding": ACCEPT_ENCODING };
    return (await ask({ ...link, headers }, request, { method: "POST", signal })).response;
  }

  /** Whether the server answers. */
  async isAlive(signal: AbortSignal): Promise<boolean> {
    try {
      if (this.#settings.transport === "ws") return await (await this.socket()).isAlive(signal);
      await this.#shakeHands(signal);
      return true;
    } catch {
      return false;
    }
  }

  /** Where requests go, with what goes along now: cookies change. */
  link(): HttpLink {
    const { url, address, place } = this.#settings;
    const cookie = this.#cookies?.header(url, this.#headers["cookie"]);
    return {
      dispatcher: this.#dispatcher,
      url,
      address,
      headers: cookie === undefined ? this.#headers : { ...this.#headers, cookie },
      maxResponseBytes: place.maxResponseBytes,
      now: () => this.context.clock.now(),
      underWay: this.#underWay,
    };
  }

  /** The headers for what is asked of the place of subscriptions. */
  subscriptionHeaders(): Readonly<Record<string, string>> {
    const { subscriptions } = this.#settings;
    const headers = subscriptions.sharesOrigin ? this.#headers : { "user-agent": USER_AGENT, ...subscriptions.headers };
    const cookie = this.#cookies?.header(subscriptions.url, headers["cookie"]);
    return cookie === undefined ? headers : { ...headers, cookie };
  }

  /**
   * The session's socket: opened when it is first needed, one for all who need it; and opened anew where it has been
   * closed, unless the socket is what the session is: then its end is the session's.
   */
  async socket(): Promise<GraphqlSocket> {
    const opening = (this.#socket ??= this.#openSocket());
    const socket = await opening;
    if (socket.isOpen || this.#settings.transport === "ws") return socket;
    if (this.#socket === opening) this.#socket = this.#openSocket();
    return this.#socket;
  }

  #openSocket(): Promise<GraphqlSocket> {
    const { transport, subscriptions, place } = this.#settings;
    const { clock, signal } = this.context;
    // One that is opened for a subscription is opened for all that follow: it must not hang for ever.
    const late = new AbortController();
    const timer = clock.setTimer(OPENING_MS, () => late.abort(noAnswer(this.target)));
    const opening = GraphqlSocket.open({
      url: subscriptions.url,
      headers: this.subscriptionHeaders(),
      connectionInit: this.#init(),
      maxMessageBytes: place.maxResponseBytes,
      signal: AbortSignal.any([signal, this.#closing.signal, late.signal]),
      now: () => clock.now(),
      onLost: (reason) => {
        if (transport === "ws") this.context.lost(reason);
      },
    });
    opening
      .catch(() => {
        if (this.#socket === opening) this.#socket = undefined;
      })
      .finally(() => timer.cancel());
    return opening;
  }

  /** Tells the server that the session ends, where it has something to be told. Never fails. */
  async logOut(signal: AbortSignal): Promise<void> {
    const { login } = this.#settings;
    if (login?.logout === undefined || this.#cookies === undefined) return;
    await ask(this.link(), { query: login.logout, variables: {} }, { method: "POST", signal }).catch(() => {});
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const socket = await this.#socket?.catch(() => undefined);
    for (const exchange of this.#underWay) exchange.abort(new Error("The session was closed."));
    await socket?.close();
  }

  /** `${authorization}` stands for what the session sends under that name. */
  #init(): GraphqlSettings["connectionInit"] {
    const { connectionInit } = this.#settings;
    if (connectionInit === undefined) return undefined;
    const authorization = this.subscriptionHeaders()["authorization"];
    const filled = (value: JsonValue): JsonValue => {
      if (typeof value === "string") return value.replaceAll("${authorization}", () => authorization ?? "");
      if (Array.isArray(value)) return value.map(filled);
      if (!isJsonObject(value)) return value;
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item)]));
    };
    return filled(connectionInit) as GraphqlSettings["connectionInit"];
  }

  async #shakeHands(signal: AbortSignal): Promise<void> {
    const { response, http, retryAfterMs } = await ask(this.link(), HANDSHAKE, { method: "POST", signal });
    try {
      readValue(response, {
        kind: "query",
        resultField: undefined,
        onError: "data",
        retryAfterMs,
        status: http.status,
      });
    } catch (error) {
      const failure = classify(error, { phase: "open", sent: true, target: this.target });
      // A server that takes none but the operations it knows has answered, and so is there.
      if (failure.code !== "rejected") throw failure;
    }
  }
}

function noAnswer({ endpoint }: Target): CcosError {
  const message = `${endpoint} did not acknowledge the connection of a socket within ${OPENING_MS} ms.`;
  return new CcosError("unavailable", message, { remedy: "Check :subscription_url and :connection_init." });
}

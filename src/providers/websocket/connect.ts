import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

import { WebSocket } from "ws";

import { withQuery } from "../../http/index.ts";
import { abortError, fail, stripControls, type JsonValue } from "../../kernel/index.ts";
import type { SessionContext, Target } from "../../session/handler.ts";
import { Connection } from "./connection.ts";
import type { Listener } from "./inbox.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { readAnswer, refusalOf } from "./map-value.ts";
import type { Match } from "./match.ts";
import { readPath } from "./path.ts";
import { renderRequest } from "./request.ts";
import type { WebSocketSettings } from "./target.ts";
import type { Scope } from "./template.ts";
import type { Login, Wire } from "./wire.ts";
import { WireError } from "./wire-error.ts";

export interface ConnectOptions {
  /** Time for the connection, what the peer says first, and the login together, in milliseconds. */
  readonly openTimeoutMs: number;
  /** Sent with the handshake, those of the credential included. */
  readonly headers: Readonly<Record<string, string>>;
  readonly token: string | undefined;
}

/** An open conversation. */
export interface Opened {
  readonly connection: Connection;
  /** When the login ends, on the wall clock, where the peer said so. */
  readonly expiresAt: number | undefined;
  readonly description: string;
}

const MOST_QUOTED = 2000;

/** Opens a socket, hears what the peer says first, and logs in; frees everything where one of these fails. */
export async function connect(target: Target, context: SessionContext, options: ConnectOptions): Promise<Opened> {
  const { wire, operation } = target.settings as WebSocketSettings;
  if (context.signal.aborted) throw abortError(context.signal);
  let isUp = false;
  const socket = createSocket(target, options);
  const connection = new Connection(socket, {
    wire,
    clock: context.clock,
    endpoint: target.endpoint,
    lost: (reason) => {
      if (isUp) context.lost(reason);
    },
    warn: (message) => context.warn(message),
  });
  const silent = new WireError({ kind: "silent", afterMs: options.openTimeoutMs });
  const work = Promise.withResolvers<never>();
  // Observed, whoever wins.
  work.promise.catch(() => {});
  const timer = context.clock.setTimer(options.openTimeoutMs, () => work.reject(silent));
  const onAbort = (): void => work.reject(abortError(context.signal));
  context.signal.addEventListener("abort", onAbort, { once: true });
  const first = wire.hello === undefined ? undefined : new FirstMessage(connection, wire.hello, undefined);
  try {
    await Promise.race([handshake(socket), work.promise]);
    if (first !== undefined) await Promise.race([first.heard, work.promise]);
    const expiresAt =
      wire.login && (await Promise.race([logIn(wire.login, connection, target, context, options), work.promise]));
    if (!connection.isOpen) throw new WireError(await Promise.race([connection.whyGone(), work.promise]));
    isUp = true;
    connection.ready();
    if (wire.heartbeat !== undefined) startHeartbeat(connection, wire.heartbeat, context.clock);
    const protocol = socket.protocol === "" ? "" : `, subprotocol ${socket.protocol}`;
    return { connection, expiresAt, description: `WebSocket, ${nameOf(wire, operation.answer)}${protocol}` };
  } catch (error) {
    first?.leave();
    await connection.close(AbortSignal.abort());
    throw error;
  } finally {
    timer.cancel();
    context.signal.removeEventListener("abort", onAbort);
  }
}

function nameOf({ correlation }: Wire, answer: string): string {
  switch (correlation.kind) {
    case "json-rpc":
      return "JSON-RPC 2.0";
    case "id":
      return "answers by id";
    case "in-order":
      return "answers in order";
    case "none":
      return answer === "none" ? "messages without answers" : "messages";
  }
}

function createSocket(target: Target, { headers, token }: ConnectOptions): WebSocket {
  const { place, wire, subprotocols, tokenProtocol } = target.settings as WebSocketSettings;
  const offered = [...subprotocols];
  if (tokenProtocol !== undefined && token !== undefined) {
    const { prefix, encoding } = tokenProtocol;
    const text = prefix + (encoding === "plain" ? token : Buffer.from(token, "utf8").toString("base64url"));
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text)) {
      fail("invalid-argument", `The token for ${target.endpoint} has characters that no subprotocol can have.`, {
        remedy: 'Add :encoding "base64url" to :auth, where the peer takes that.',
      });
    }
    offered.push(text);
  }
  // Missing in the types of the library.
  const closing = { closeTimeout: wire.closeTimeoutMs };
  return new WebSocket(withQuery(place.url, place.query), offered, {
    headers: { ...headers },
    followRedirects: false,
    perMessageDeflate: wire.compression,
    maxPayload: wire.maxResponseBytes,
    ...closing,
  });
}

/** Resolves when the protocols have been switched; rejects with what happened instead. */
function handshake(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", (error: Error & { readonly code?: unknown }) => {
      const { code } = error;
      if (typeof code === "string" && !code.startsWith("HPE_")) {
        reject(new WireError({ kind: "network", code, text: error.message || code }, error));
      } else {
        reject(
          new WireError({ kind: "broken", text: brokenHandshake(error.message), ...remedyFor(error.message) }, error),
        );
      }
    });
    socket.once("unexpected-response", (request: Duplex, response: IncomingMessage) => {
      // Without a listener the socket would do this; with one, it is ours to do.
      const end = (body: string): void => {
        reject(
          new WireError({
            kind: "http",
            status: response.statusCode ?? 0,
            body,
            header: (name) => textOf(response.headers[name]),
          }),
        );
        request.destroy();
      };
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
        if (body.length >= MOST_QUOTED) end(body.slice(0, MOST_QUOTED));
      });
      response.once("end", () => end(body));
      response.once("error", () => end(body));
      response.once("close", () => end(body));
    });
  });
}

function textOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === "object" ? header.join(", ") : header;
}

function brokenHandshake(message: string): string {
  return /^Parse Error|HPE_/.test(message) ? "The answer to the handshake is not HTTP." : `${stripControls(message)}.`;
}

function remedyFor(message: string): { readonly remedy?: string } {
  if (!/subprotocol/i.test(message)) return {};
  return { remedy: "Check :subprotocols: the peer has to take one of them, and only one of them." };
}

/** Waits for a message of one kind; one of the other kind is a refusal. */
class FirstMessage {
  readonly heard: Promise<JsonValue>;
  readonly #connection: Connection;
  readonly #listener: Listener;

  constructor(
    connection: Connection,
    wanted: Match,
    refused: ((message: JsonValue) => WireError | undefined) | undefined,
  ) {
    this.#connection = connection;
    const { promise, resolve, reject } = Promise.withResolvers<JsonValue>();
    this.heard = promise;
    promise.catch(() => {});
    this.#listener = {
      offer: (message) => {
        const no = refused?.(message);
        if (no === undefined && !wanted.matches(message, { input: null })) return false;
        this.leave();
        if (no === undefined) resolve(message);
        else reject(no);
        return true;
      },
      failed: reject,
    };
    connection.listen(this.#listener);
  }

  leave(): void {
    this.#connection.unlisten(this.#listener);
  }
}

/** Logs in, and gives the instant at which that ends, where the peer said so. */
async function logIn(
  login: Login,
  connection: Connection,
  target: Target,
  context: SessionContext,
  { token }: ConnectOptions,
): Promise<number | undefined> {
  const { operation, wire } = target.settings as WebSocketSettings;
  const scope: Scope = { input: null, values: { $token: token } };
  const refused = (message: JsonValue): WireError | undefined => {
    if (login.refused?.matches(message, { input: null }) !== true) return undefined;
    const error = readPath(message, operation.reading.errorPath) ?? message;
    return new WireError({ kind: "refused", refusal: refusalOf(error, operation.reading, true) });
  };
  const listens = login.ok !== undefined || login.refused !== undefined;
  const said = listens ? new FirstMessage(connection, login.ok ?? NEVER, refused) : undefined;
  // Where other messages say how it went, an answer to the request as such says nothing.
  const answered = !login.unanswered && login.ok === undefined && wire.correlation.kind !== "none";
  try {
    const outgoing = {
      message: (id: number | string | undefined) =>
        renderRequest(login.request, wire.correlation, scope, id, "the login"),
      answered,
      operation: "the login",
      signal: context.signal,
    };
    const asked = connection.ask(outgoing);
    asked.catch(() => {});
    const answer = await (answered ? Promise.race([asked, ...(said === undefined ? [] : [said.heard])]) : asked);
    if (login.unanswered) return undefined;
    const yes = login.ok === undefined ? answer : await (said as FirstMessage).heard;
    if (login.ok === undefined) checkAnswer(yes, target);
    connection.login = yes;
    const seconds = login.expiresInPath && readPath(yes, login.expiresInPath);
    return typeof seconds === "number" && seconds > 0 ? context.clock.now() + seconds * 1000 : undefined;
  } finally {
    said?.leave();
  }
}

const NEVER: Match = { matches: () => false, names: new Set() };

/** An answer to the login that is an error says that it was refused. */
function checkAnswer(answer: JsonValue, target: Target): void {
  const { operation, wire } = target.settings as WebSocketSettings;
  try {
    readAnswer(answer, operation.reading, wire.correlation);
  } catch (error) {
    if (error instanceof WireError && error.failure.kind === "refused") {
      throw new WireError({ kind: "refused", refusal: { ...error.failure.refusal, login: true } });
    }
    throw error;
  }
}

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

import { WebSocket } from "ws";

import { withQuery } from "../../http/index.ts";
import { abortError, fail, stripControls } from "../../kernel/index.ts";
import type { SessionContext, Target } from "../../session/handler.ts";
import { Connection } from "./connection.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { FirstMessage, logIn } from "./log-in.ts";
import type { WebSocketSettings } from "./target.ts";
import type { Wire } from "./wire.ts";
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
/** What is larger counts as no limit at all in the library. */
const LARGEST_PAYLOAD = 2_147_483_647;

/** Opens a socket, hears what the peer says first, and logs in; frees everything where one of these fails. */
export async function connect(target: Target, context: SessionContext, options: ConnectOptions): Promise<Opened> {
  const { wire, operation } = target.settings as WebSocketSettings;
  if (context.signal.aborted) throw abortError(context.signal);
  let isUp = false;
  const socket = createSocket(target, context, options);
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
      wire.login && (await Promise.race([logIn(wire.login, connection, target, context, options.token), work.promise]));
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

function createSocket(target: Target, context: SessionContext, { headers, token }: ConnectOptions): WebSocket {
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
    context.addSecret(text);
    offered.push(text);
  }
  // Missing in the types of the library.
  const closing = { closeTimeout: wire.closeTimeoutMs };
  return new WebSocket(withQuery(place.url, place.query), offered, {
    headers: { ...headers },
    followRedirects: false,
    perMessageDeflate: wire.compression,
    maxPayload: Math.min(wire.maxResponseBytes, LARGEST_PAYLOAD),
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

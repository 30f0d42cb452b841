import { getOwn, type JsonObject, type StreamEvent } from "../../kernel/index.ts";
import type { SessionCall, SessionContext } from "../../session/handler.ts";
import type { Connection } from "./connect.ts";
import { offers } from "./handshake.ts";
import { isRefusal } from "./offer.ts";
import { paramsOf } from "./operation.ts";
import type { CallRunner } from "./run-call.ts";
import type { ServerNotification } from "./server-messages.ts";
import { callSettings } from "./target.ts";
import { reasonOf } from "./transport.ts";
import { WireError } from "./wire-error.ts";

/**
 * What a resource holds now, and again whenever the server says that it has changed. Changes that come while nobody
 * takes the last one are one: nothing is kept but that there was one. Where the server does not tell of changes, the
 * content is the result, after a word about that.
 */
export async function* streamResource(
  calls: CallRunner,
  connection: Connection,
  call: SessionCall,
  context: SessionContext,
): AsyncGenerator<StreamEvent, undefined> {
  const { operation } = callSettings(call.target);
  const { uri } = (await paramsOf(operation, call)) as { uri: string };
  const changes = new Changes(uri, call.signal);
  const subscribe = connection.era === "modern" ? listenFor : subscribeTo;
  const end = await subscribe(connection, uri, changes, call);
  if (end === undefined) {
    yield { type: "log", level: "notice", value: "The server does not tell of changes: this is what it holds now." };
    yield { type: "result", value: await calls.run(connection, call, context) };
    return undefined;
  }
  try {
    changes.happened();
    while (await changes.next()) yield { type: "data", value: await calls.run(connection, call, context) };
  } finally {
    await end();
  }
  return undefined;
}

/** Whether there was a change since the last look. */
class Changes {
  readonly #uri: string;
  readonly #signal: AbortSignal;
  #changed = false;
  #over: { readonly error: Error | undefined } | undefined;
  #wake: (() => void) | undefined;

  constructor(uri: string, signal: AbortSignal) {
    this.#uri = uri;
    this.#signal = signal;
  }

  readonly hear = ({ method, params }: ServerNotification): void => {
    const uri = getOwn(params, "uri");
    if (method !== "notifications/resources/updated" || typeof uri !== "string") return;
    // What changed may be a part of what was asked for.
    if (uri === this.#uri || uri.startsWith(this.#uri.endsWith("/") ? this.#uri : `${this.#uri}/`)) this.happened();
  };

  happened(): void {
    this.#changed = true;
    this.#wake?.();
  }

  /** There will be no more: for this reason, or because the server is through. */
  end(error?: Error): void {
    this.#over ??= { error };
    this.#wake?.();
  }

  /** Waits for a change; false where there will be none. */
  async next(): Promise<boolean> {
    const signal = this.#signal;
    while (!this.#changed && this.#over === undefined && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      signal.addEventListener("abort", () => resolve(), { once: true });
      await promise;
    }
    if (signal.aborted) throw reasonOf(signal);
    if (this.#changed) {
      this.#changed = false;
      return true;
    }
    if (this.#over?.error !== undefined) throw this.#over.error;
    return false;
  }
}

type End = () => Promise<void>;

/** Streams of one resource on a session: subscribed to once, and until the last one ends. */
const subscribed = new WeakMap<Connection, Map<string, number>>();

async function subscribeTo(
  connection: Connection,
  uri: string,
  changes: Changes,
  call: SessionCall,
): Promise<End | undefined> {
  const { server, transport } = connection;
  if (!offers(server, "resources", "subscribe") || !(await transport.listen())) return undefined;
  const { messages } = transport;
  const stop = messages.listen(changes.hear);
  const lost = (): void =>
    changes.end(new WireError({ kind: "closed", text: "The session has ended.", sent: false }, transport.state));
  messages.closing.addEventListener("abort", lost, { once: true });
  let counts = subscribed.get(connection);
  if (counts === undefined) subscribed.set(connection, (counts = new Map()));
  const count = (by: number): number => {
    const now = (counts.get(uri) ?? 0) + by;
    if (now > 0) counts.set(uri, now);
    else counts.delete(uri);
    return now;
  };
  const end: End = async () => {
    stop();
    messages.closing.removeEventListener("abort", lost);
    if (count(-1) > 0 || messages.closing.aborted) return;
    const signal = AbortSignal.timeout(UNSUBSCRIBE_MS);
    await transport.request("resources/unsubscribe", { uri }, { signal }).catch(() => {});
  };
  count(1);
  try {
    const answer = await transport.request("resources/subscribe", { uri }, { signal: call.signal });
    if ("error" in answer) throw new WireError({ kind: "rpc", error: answer.error }, transport.state);
  } catch (error) {
    await end();
    throw error;
  }
  return end;
}

const UNSUBSCRIBE_MS = 2000;

/** In the modern era one request stays open, and what it hears are the changes. */
async function listenFor(
  connection: Connection,
  uri: string,
  changes: Changes,
  call: SessionCall,
): Promise<End | undefined> {
  const { server, transport, meta } = connection;
  if (!offers(server, "resources")) return undefined;
  const controller = new AbortController();
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const params: JsonObject = { ...(meta && { _meta: meta }), notifications: { resourceSubscriptions: [uri] } };
  const heard = (notification: ServerNotification): void => {
    if (notification.method === "notifications/subscriptions/acknowledged") {
      const honoured = getOwn(notification.params, "notifications") as { resourceSubscriptions?: unknown } | undefined;
      const uris = honoured?.resourceSubscriptions;
      resolve(Array.isArray(uris) && uris.includes(uri));
    } else changes.hear(notification);
  };
  const signal = AbortSignal.any([call.signal, controller.signal]);
  const work = transport.request("subscriptions/listen", params, { signal, heard }).then(
    (answer) => {
      resolve(false);
      changes.end("error" in answer ? new WireError({ kind: "rpc", error: answer.error }, transport.state) : undefined);
    },
    (error: unknown) => {
      if (isRefusal(error)) resolve(false);
      else reject(error as Error);
      changes.end(error as Error);
    },
  );
  const end: End = async () => {
    controller.abort(new Error("Nobody follows the resource any more."));
    await work;
  };
  if (await promise) return end;
  await end();
  return undefined;
}

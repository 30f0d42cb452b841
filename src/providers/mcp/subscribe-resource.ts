import { getOwn, type JsonObject } from "../../kernel/index.ts";
import type { SessionCall } from "../../session/handler.ts";
import type { Connection } from "./connect.ts";
import { offers } from "./handshake.ts";
import { isRefusal } from "./offer.ts";
import { pause } from "./pause.ts";
import type { Changes } from "./resource-changes.ts";
import type { ServerNotification } from "./server-messages.ts";
import { WireError } from "./wire-error.ts";

/** Ends a subscription, at the server too. */
export type End = () => Promise<void>;

/** Streams of one resource on a session: subscribed to once, and until the last one ends. */
const subscribed = new WeakMap<Connection, Map<string, number>>();

/** In the revisions with sessions: changes are told on the stream of the session, or on the one there is. */
export async function subscribeTo(
  connection: Connection,
  uri: string,
  changes: Changes,
  call: SessionCall,
): Promise<End | undefined> {
  const { server, transport } = connection;
  if (!offers(server, "resources", "subscribe") || !(await transport.listen())) return undefined;
  const { messages } = transport;
  const stop = messages.listen(changes.hear, () => changes.happened());
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

const MOST_TRIES = 5;
const FIRST_DELAY_MS = 250;

/**
 * In the other one a request stays open, and what it hears are the changes. Proxies cut what is quiet for long: then it is
 * made again, and what may have been missed counts as a change.
 */
export async function listenFor(
  connection: Connection,
  uri: string,
  changes: Changes,
  call: SessionCall,
): Promise<End | undefined> {
  const { server, transport, meta } = connection;
  if (!offers(server, "resources")) return undefined;
  const controller = new AbortController();
  const signal = AbortSignal.any([call.signal, controller.signal]);
  const { promise: isHonoured, resolve, reject } = Promise.withResolvers<boolean>();
  const params: JsonObject = { ...(meta && { _meta: meta }), notifications: { resourceSubscriptions: [uri] } };
  let times = 0;
  let failures = 0;
  const heard = (notification: ServerNotification): void => {
    if (notification.method !== "notifications/subscriptions/acknowledged") return changes.hear(notification);
    failures = 0;
    if (times++ > 0) changes.happened();
    const honoured = getOwn(notification.params, "notifications") as { resourceSubscriptions?: unknown } | undefined;
    const uris = honoured?.resourceSubscriptions;
    resolve(Array.isArray(uris) && uris.includes(uri));
  };
  const follow = async (): Promise<void> => {
    for (;;) {
      try {
        const answer = await transport.request("subscriptions/listen", params, { signal, heard });
        resolve(false);
        if ("error" in answer) changes.end(new WireError({ kind: "rpc", error: answer.error }, transport.state));
        else changes.end();
        return;
      } catch (error) {
        if (isRefusal(error)) resolve(false);
        const isOver = signal.aborted || times === 0 || isRefusal(error) || ++failures > MOST_TRIES;
        if (isOver) {
          reject(error as Error);
          changes.end(error as Error);
          return;
        }
        await pause(FIRST_DELAY_MS * 2 ** (failures - 1), signal);
      }
    }
  };
  const work = follow();
  const end: End = async () => {
    controller.abort(new Error("Nobody follows the resource any more."));
    await work;
  };
  if (await isHonoured) return end;
  await end();
  return undefined;
}

import type { JsonObject } from "../../kernel/index.ts";
import type { Connection } from "./connect.ts";
import { offers } from "./handshake.ts";
import { pause } from "./pause.ts";
import { WireError } from "./wire-error.ts";

const CHANGED = /^notifications\/(tools|resources|prompts)\/list_changed$/;

/** What a notification says has changed; undefined where it says no such thing. */
export function changedBy(method: string): string | undefined {
  return CHANGED.exec(method)?.[1];
}

/** What a server says that it will tell of. */
export function announcedChanges({ server }: Pick<Connection, "server">): string[] {
  return ["tools", "resources", "prompts"].filter((kind) => offers(server, kind, "listChanged"));
}

const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 60_000;

/**
 * Has a server of the modern era tell of changes for as long as its session lasts: a request that stays open, and that
 * is made again where it ends. What it says comes to those who listen to all notifications.
 */
export function followOffer(connection: Connection): void {
  const announced = announcedChanges(connection);
  if (announced.length === 0) return;
  const { transport, meta } = connection;
  const signal = transport.messages.closing;
  const wanted: JsonObject = Object.fromEntries(announced.map((what) => [`${what}ListChanged`, true]));
  const params: JsonObject = { ...(meta && { _meta: meta }), notifications: wanted };
  const follow = async (): Promise<void> => {
    for (let delayMs = FIRST_DELAY_MS; !signal.aborted;) {
      let heard = false;
      try {
        const answer = await transport.request("subscriptions/listen", params, {
          signal,
          heard: () => void (heard = true),
        });
        // A server that knows no such request, or does not want it, will not change its mind.
        if ("error" in answer) return;
      } catch (error) {
        if (isRefusal(error)) return;
      }
      delayMs = heard ? FIRST_DELAY_MS : Math.min(delayMs * 2, LONGEST_DELAY_MS);
      await pause(delayMs, signal);
    }
  };
  void follow();
}

/** Whether an error says that the server does not do what it was asked. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof WireError)) return false;
  const { failure } = error;
  return failure.kind === "rpc" || (failure.kind === "http" && failure.status >= 400 && failure.status < 500);
}

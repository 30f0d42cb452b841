import { fail, sleep, systemClock } from "../../kernel/index.ts";
import { announcedChanges } from "./offer.ts";
import { useServer, type ServerAddress } from "./server-address.ts";

export interface WatchOptions {
  /** Told that what the server offers has changed, or may have while nobody heard it. */
  readonly changed: () => void;
  /** Told that the server cannot be heard for now. */
  readonly lost: (reason: string) => void;
}

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;

/**
 * Listens to what a server says of changes of its offer, until the signal of the address aborts. Throws `rejected`
 * where the server says of itself that it tells of none, and what opening it throws the first time; later losses are
 * waited out.
 */
export async function watchServer(address: ServerAddress, options: WatchOptions): Promise<void> {
  const signal = address.signal ?? new AbortController().signal;
  let wasOpen = false;
  for (let retryMs = FIRST_RETRY_MS; !signal.aborted;) {
    try {
      await useServer(address, {
        isLong: true,
        offerChanged: options.changed,
        use: async (connection) => {
          const hears = connection.era === "modern" || (await connection.transport.listen());
          if (announcedChanges(connection).length === 0 || !hears) {
            fail("rejected", "The server does not tell of changes.", { remedy: "Import again from time to time." });
          }
          if (wasOpen) options.changed();
          wasOpen = true;
          retryMs = FIRST_RETRY_MS;
          const { closing } = connection.transport.messages;
          const { promise, resolve } = Promise.withResolvers<void>();
          for (const one of [closing, signal]) {
            if (one.aborted) resolve();
            one.addEventListener("abort", () => resolve(), { once: true });
          }
          connection.transport.onlost = () => resolve();
          await promise;
          if (!signal.aborted) options.lost("The connection to the server ended.");
        },
      });
    } catch (error) {
      if (signal.aborted) return;
      if (!wasOpen) throw error;
      options.lost(error instanceof Error ? error.message : String(error));
    }
    if (signal.aborted) return;
    await sleep(systemClock, retryMs, signal).catch(() => {});
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
  }
}

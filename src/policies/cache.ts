import type { LRUCache } from "lru-cache";
import {
  parseJson,
  startDeadline,
  stringifyJson,
  toCcosError,
  type CcosError,
  type JsonValue,
} from "../kernel/index.ts";
import type { CacheSettings } from "./policy-settings.ts";
import type { Policy, PolicyCall, Work } from "./policy.ts";
import { eventOf, shownError, type PolicySurroundings } from "./surroundings.ts";

/** An answer that may be fetched again has this long in the background, whatever time the call had. */
const REFRESH_TIMEOUT_MS = 30_000;

export interface ResponseCache extends Policy {
  /** Forgets every answer. */
  clear(): void;
  /** Answers kept, and their size as JSON text in bytes. */
  readonly counts: { readonly entries: number; readonly bytes: number };
}

/**
 * Keeps the answers of idempotent calls, for those who ask the same thing as the same identity. An answer is
 * fresh for `ttl_ms`; for `stale_while_revalidate_ms` after that it is still given, while a new one is fetched in
 * the background. Failures are not kept. What is kept is text, so nobody changes what others get.
 */
export function createCache(around: PolicySurroundings): ResponseCache {
  return new Cache(around);
}

interface Kept {
  readonly text: string;
  readonly at: number;
}

class Cache implements ResponseCache {
  readonly name = "cache";
  readonly #around: PolicySurroundings;
  /** By bounds. */
  readonly #shelves = new Map<string, LRUCache<string, Kept>>();
  /** Keys that are being brought up to date. */
  readonly #refreshing = new Map<string, AbortController>();
  #closed = false;

  constructor(around: PolicySurroundings) {
    this.#around = around;
  }

  applies(call: PolicyCall): boolean {
    return call.idempotent && call.settings.cache !== undefined && call.cacheMode !== "no-store";
  }

  async execute(call: PolicyCall, next: Work): Promise<JsonValue> {
    const settings = call.settings.cache;
    const key = settings !== undefined && this.applies(call) ? call.shareKey() : undefined;
    if (settings === undefined || key === undefined) return next(call);
    const shelf = this.#shelves.get(boundsOf(settings)) ?? (await this.#newShelf(settings));
    if (call.cacheMode !== "refresh") {
      const kept = shelf.get(key);
      if (kept !== undefined) {
        const ageMs = this.#around.clock.monotonic() - kept.at;
        const isStale = ageMs >= settings.ttlMs;
        if (!isStale || ageMs < settings.ttlMs + settings.staleWhileRevalidateMs) {
          this.#around.events.emit("cacheHit", { ...eventOf(call), ageMs, stale: isStale });
          if (isStale) this.#refresh(key, call, next, shelf);
          return parseJson(kept.text);
        }
      }
    }
    this.#around.events.emit("cacheMissed", eventOf(call));
    const value = await next(call);
    this.#keep(key, value, shelf);
    return value;
  }

  clear(): void {
    for (const shelf of this.#shelves.values()) shelf.clear();
  }

  get counts(): { readonly entries: number; readonly bytes: number } {
    let entries = 0;
    let bytes = 0;
    for (const shelf of this.#shelves.values()) {
      entries += shelf.size;
      bytes += shelf.calculatedSize;
    }
    return { entries, bytes };
  }

  close(reason: CcosError): void {
    this.#closed = true;
    for (const controller of this.#refreshing.values()) controller.abort(reason);
  }

  async #newShelf(settings: CacheSettings): Promise<LRUCache<string, Kept>> {
    // Loaded here and not above: whoever has no cache does not pay for it.
    const { LRUCache } = await import("lru-cache");
    const bounds = boundsOf(settings);
    let shelf = this.#shelves.get(bounds);
    if (shelf === undefined) {
      const sizeCalculation = ({ text }: Kept, key: string): number => Buffer.byteLength(text) + key.length;
      shelf = new LRUCache({ max: settings.maxEntries, maxSize: settings.maxBytes, sizeCalculation });
      this.#shelves.set(bounds, shelf);
    }
    return shelf;
  }

  #keep(key: string, value: JsonValue, shelf: LRUCache<string, Kept>): void {
    let text: string;
    try {
      text = stringifyJson(value);
    } catch {
      // Too deep for the stack, or no JSON after all: the caller has it, and nobody else gets it from here.
      return;
    }
    shelf.set(key, { text, at: this.#around.clock.monotonic() });
  }

  /** Fetches a new answer that nobody waits for; once at a time. */
  #refresh(key: string, call: PolicyCall, next: Work, shelf: LRUCache<string, Kept>): void {
    if (this.#closed || this.#refreshing.has(key)) return;
    const { clock, events } = this.#around;
    const controller = new AbortController();
    this.#refreshing.set(key, controller);
    const refresh = async (): Promise<void> => {
      using deadline = startDeadline(
        clock,
        REFRESH_TIMEOUT_MS,
        controller.signal,
        `Fetching ${JSON.stringify(call.capabilityId)} anew`,
      );
      const behind: PolicyCall = {
        ...call,
        background: true,
        signal: deadline.signal,
        remainingMs: () => deadline.remainingMs(),
      };
      this.#keep(key, await next(behind), shelf);
    };
    refresh()
      .catch((error: unknown) => {
        events.emit("cacheRefreshFailed", { ...eventOf(call), error: shownError(this.#around, toCcosError(error)) });
      })
      .finally(() => this.#refreshing.delete(key));
  }
}

/** Equal for equal bounds: who names the same ones shares them. */
function boundsOf({ maxEntries, maxBytes }: CacheSettings): string {
  return `${maxEntries}/${maxBytes}`;
}

import { createHash } from "node:crypto";

import { abortError, untilAborted } from "../../kernel/index.ts";
import type { Target } from "../../session/handler.ts";
import { introspect, type SchemaFound } from "./introspect.ts";
import type { GraphqlResponse } from "./map-value.ts";

/** Asks the server something that is no call of anybody's. */
export type AskServer = (query: string, signal: AbortSignal) => Promise<GraphqlResponse>;

/** What is known of the schema behind a target. */
export interface KnownSchema {
  /** Undefined where the server does not tell it. */
  readonly found: SchemaFound | undefined;
  /** Why not. */
  readonly failure?: unknown;
  /** When it was asked for, on the monotonic clock. */
  readonly at: number;
}

const LIFETIME_MS = 3_600_000;
/** After this it is asked again whether a server tells its schema. */
const REFUSAL_LIFETIME_MS = 300_000;
const ASKING_MS = 30_000;
const MOST_SCHEMAS = 64;
/** Types of all schemas together: GitHub's has 1,700, and takes some 50 MB. */
const MOST_TYPES = 30_000;

/**
 * Schemas by endpoint and identity, as servers may show each caller another one. One question for all who wait; who
 * leaves cancels nothing. Bounded by what they hold: the least recently used go.
 */
export class SchemaShelf {
  readonly #known = new Map<string, KnownSchema>();
  readonly #asking = new Map<string, Promise<KnownSchema>>();
  readonly #closing = new AbortController();

  /** The schema behind a target, asked for where it is not known, or not newly enough. */
  async of(
    target: Target,
    ask: AskServer,
    now: number,
    waits: AbortSignal,
    maxAgeMs = LIFETIME_MS,
  ): Promise<KnownSchema> {
    const key = keyOf(target);
    const known = this.#known.get(key);
    if (known !== undefined) {
      const lifetime = known.found === undefined ? Math.min(maxAgeMs, REFUSAL_LIFETIME_MS) : maxAgeMs;
      this.#known.delete(key);
      if (now - known.at < lifetime) {
        this.#known.set(key, known);
        return known;
      }
    }
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = this.#ask(key, ask, now).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    return untilAborted(asking, waits);
  }

  close(): void {
    this.#closing.abort();
    this.#known.clear();
  }

  async #ask(key: string, ask: AskServer, at: number): Promise<KnownSchema> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(ASKING_MS)]);
    let known: KnownSchema;
    try {
      known = { found: await introspect((query) => ask(query, signal)), at };
    } catch (failure) {
      if (this.#closing.signal.aborted) throw abortError(this.#closing.signal);
      known = { found: undefined, failure, at };
    }
    this.#known.set(key, known);
    this.#makeRoom();
    return known;
  }

  #makeRoom(): void {
    let types = 0;
    for (const { found } of this.#known.values()) types += sizeOf(found);
    for (const [key, { found }] of this.#known) {
      if (this.#known.size <= 1 || (this.#known.size <= MOST_SCHEMAS && types <= MOST_TYPES)) return;
      this.#known.delete(key);
      types -= sizeOf(found);
    }
  }
}

function sizeOf(found: SchemaFound | undefined): number {
  return found === undefined ? 0 : Object.keys(found.schema.getTypeMap()).length;
}

function keyOf({ endpoint, credentials, shape }: Target): string {
  return createHash("sha256")
    .update(JSON.stringify([endpoint, credentials, shape]))
    .digest("base64url");
}

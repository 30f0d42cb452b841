import { createHash } from "node:crypto";
import { createId, isCcosError, sleep, type Clock, type Timer } from "../kernel/index.ts";
import type { LockToken, Store } from "../stores/store.ts";
import type { Opened, SessionContext, SessionHandler, Target } from "./handler.ts";
import { KeptSession, type Parting } from "./kept-session.ts";
import { decodeRecord, encodeRecord, type SessionRecord } from "./session-record.ts";

export interface KeptSessionsOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** The session key of the pool. */
  readonly key: string;
  readonly handler: SessionHandler;
  readonly target: Target;
  readonly identity: string;
  readonly scope: string;
  readonly gone: (id: string) => Promise<void>;
  readonly failed: (error: unknown) => void;
}

/** An opening, as the pool asks for it. */
export interface KeptOpening {
  readonly context: SessionContext;
  initialize(): Promise<Opened<unknown>>;
}

export interface KeptOpened {
  readonly opened: Opened<unknown>;
  /** Absent where the session has no record: its handler gives none, or the store is away. */
  readonly kept?: KeptSession;
  /** It had been open before, here or elsewhere. */
  readonly resumed: boolean;
}

/** How often it is looked whether another process has opened the session, in milliseconds. */
const LOOK_EVERY_MS = 50;
/** So long the others wait for whoever died while opening, in milliseconds; who lives renews its lock in time. */
const LOCK_MS = 5_000;
const RENEW_EVERY_MS = 1_500;

/** Where the records of a key stand, without the key itself: it names an endpoint. */
export function placeOfKey(key: string): string {
  return `session/${createHash("sha256").update(key).digest("base64url").slice(0, 32)}/`;
}

/**
 * The sessions of one pool that outlive its process or are shared with others. Each has a numbered place in the store; the
 * first to come to an empty place opens a session there, alone, and all others go on with that.
 */
export class KeptSessions {
  readonly #options: KeptSessionsOptions;
  readonly #place: string;
  /** Places whose sessions this pool has. */
  readonly #used = new Set<number>();
  readonly #numbers = new WeakMap<KeptSession, number>();
  /** Partings under way: a place must not be looked at before it has been left. */
  #partings: Promise<unknown> = Promise.resolve();

  constructor(options: KeptSessionsOptions) {
    this.#options = options;
    this.#place = placeOfKey(options.key);
  }

  /** A session: one with a record, or a new one. A store that is away costs sharing, and no call. */
  async open(opening: KeptOpening): Promise<KeptOpened> {
    let number = 1;
    while (this.#used.has(number)) number++;
    this.#used.add(number);
    let initializing = false;
    const initialize = (): Promise<Opened<unknown>> => {
      initializing = true;
      return opening.initialize();
    };
    try {
      const result = await this.#openAt(number, { ...opening, initialize });
      if (result.kept === undefined) this.#used.delete(number);
      else this.#numbers.set(result.kept, number);
      return result;
    } catch (error) {
      this.#used.delete(number);
      if (initializing || !isCcosError(error) || error.code !== "store-error") throw error;
      this.#options.failed(error);
      return { opened: await opening.initialize(), resumed: false };
    }
  }

  /** The session leaves this pool. Resolves to whether it goes on elsewhere. */
  part(kept: KeptSession, why: Parting, lastUsedAt: number, calls: number): Promise<boolean> {
    const number = this.#numbers.get(kept);
    if (number !== undefined) this.#used.delete(number);
    const parting = kept.part(why, lastUsedAt, calls);
    this.#partings = Promise.allSettled([this.#partings, parting]);
    return parting;
  }

  async #openAt(number: number, opening: KeptOpening): Promise<KeptOpened> {
    const { store, clock } = this.#options;
    const name = `${this.#place}${number}`;
    await this.#partings;
    for (;;) {
      const found = await this.#resume(name, opening.context);
      if (found !== undefined) return found;
      const token = await store.locks.take(`open/${name}`, LOCK_MS);
      if (token === undefined) {
        await sleep(clock, LOOK_EVERY_MS, opening.context.signal);
        continue;
      }
      const renewal = this.#renew(`open/${name}`, token);
      try {
        // Whoever held the lock before may have opened one meanwhile.
        return (await this.#resume(name, opening.context)) ?? (await this.#begin(name, opening));
      } finally {
        renewal.stop();
        await store.locks.release(`open/${name}`, token).catch((error: unknown) => this.#options.failed(error));
      }
    }
  }

  /** Holds a lock until it is stopped. One that is lost all the same costs a handshake: whoever comes second finds a record. */
  #renew(lock: string, token: LockToken): { stop(): void } {
    const { store, clock, failed } = this.#options;
    let timer: Timer | undefined;
    const schedule = (): void => {
      timer = clock.setTimer(RENEW_EVERY_MS, () => {
        store.locks.renew(lock, token, LOCK_MS).catch(failed);
        schedule();
      });
    };
    schedule();
    return { stop: () => timer?.cancel() };
  }

  /** The session of a record; undefined where there is none that can be gone on with. */
  async #resume(name: string, context: SessionContext): Promise<KeptOpened | undefined> {
    const { store, clock, handler, target } = this.#options;
    const found = await store.records.get(name);
    if (found === undefined) return undefined;
    const record = decodeRecord(found.value);
    const now = clock.now();
    let opened: Opened<unknown> | undefined;
    if (record !== undefined && record.provider === handler.provider && now < (record.expiresAt ?? Infinity)) {
      // A handler that cannot go on with it says so by failing; then the record is of no use to anybody.
      opened = await handler.restore?.(record.snapshot, target, context).catch(() => undefined);
    }
    if (record === undefined || opened === undefined) {
      await store.records.remove(name, { ifVersion: found.version });
      return undefined;
    }
    const used: SessionRecord = { ...record, lastUsedAt: now };
    const version = await store.records.put(name, encodeRecord(used), { ifVersion: found.version });
    // Somebody else was quicker: the session is the same one, unless that was a parting.
    if (version === undefined && (await store.records.get(name)) === undefined) return undefined;
    const kept = this.#keep(name, used, version ?? found.version);
    return { opened: { expiresAt: record.expiresAt ?? undefined, ...opened }, kept, resumed: true };
  }

  async #begin(name: string, opening: KeptOpening): Promise<KeptOpened> {
    const { store, clock, handler, target, identity, scope } = this.#options;
    const opened = await opening.initialize();
    const id = createId("s");
    const snapshot = handler.snapshot?.({ id, target, state: opened.state, lost: false });
    if (snapshot === undefined) return { opened, resumed: false };
    const now = clock.now();
    const record: SessionRecord = {
      id,
      provider: handler.provider,
      endpoint: target.endpoint,
      identity,
      scope,
      openedAt: now,
      lastUsedAt: now,
      expiresAt: opened.expiresAt ?? null,
      calls: 0,
      snapshot,
    };
    try {
      const version = await store.records.put(name, encodeRecord(record), { ifVersion: 0 });
      if (version !== undefined) return { opened, kept: this.#keep(name, record, version), resumed: false };
    } catch (error) {
      // The session is open; that it cannot be shared is no reason to lose it.
      this.#options.failed(error);
    }
    return { opened, resumed: false };
  }

  #keep(name: string, record: SessionRecord, version: number): KeptSession {
    const { store, gone, failed } = this.#options;
    return new KeptSession({ store, name, record, version, gone, failed });
  }
}

import { toCcosError, type Clock, type Emitter, type Redactor, type RuntimeEvents } from "../kernel/index.ts";
import type { Store } from "../stores/store.ts";
import type { SessionHandler } from "./handler.ts";
import { KeptSessions, placeOfKey } from "./kept-sessions.ts";
import type { ResolvedTarget } from "./resolve-target.ts";
import type { SessionInfo } from "./session-info.ts";
import { decodeRecord, type SessionRecord } from "./session-record.ts";

export interface SessionDirectoryOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly events: Emitter<RuntimeEvents>;
  readonly redactor: Redactor;
}

const NEWS = "sessions";
/** The same trouble with the store is told again after this time, in milliseconds. */
const QUIET_MS = 30_000;

/** The sessions that a store knows: those of this process, of others, and of processes that have ended. */
export class SessionDirectory {
  readonly #options: SessionDirectoryOptions;
  #listening: Promise<(() => Promise<void>) | undefined> | undefined;
  #warnedAt = -Infinity;
  #tellGone: (sessionId: string) => void = () => {};

  constructor(options: SessionDirectoryOptions) {
    this.#options = options;
  }

  /** Has another process's word that a session is gone brought here. */
  onGone(listener: (sessionId: string) => void): void {
    this.#tellGone = listener;
  }

  /** For the pool of a target; undefined where its handler's sessions live and die with their process. */
  keptSessions(handler: SessionHandler, resolved: ResolvedTarget): KeptSessions | undefined {
    if (handler.snapshot === undefined || handler.restore === undefined || resolved.ephemeral) return undefined;
    const { store, clock } = this.#options;
    this.#listening ??= this.#listen();
    return new KeptSessions({
      store,
      clock,
      key: resolved.key,
      handler,
      target: resolved.target,
      identity: resolved.identity,
      scope: resolved.resolvedPolicy.policy.scope,
      gone: (id) => store.feed.publish(NEWS, new TextEncoder().encode(id)),
      failed: (error) => this.#warn(error),
    });
  }

  /** Every session that has a record, the longest unused first. */
  async list(): Promise<SessionInfo[]> {
    const infos: SessionInfo[] = [];
    for await (const { record } of this.#records("session/")) infos.push(infoOf(record));
    return infos.sort((a, b) => a.lastUsedAt - b.lastUsedAt);
  }

  /** The records of a session key, each with a way to take it away; false where somebody else was quicker. */
  async ofKey(key: string): Promise<{ readonly record: SessionRecord; readonly take: () => Promise<boolean> }[]> {
    const { store } = this.#options;
    const found: { readonly record: SessionRecord; readonly take: () => Promise<boolean> }[] = [];
    for await (const { name, version, record } of this.#records(placeOfKey(key))) {
      found.push({
        record,
        take: async () => {
          if (!(await store.records.remove(name, { ifVersion: version }))) return false;
          await store.feed.publish(NEWS, new TextEncoder().encode(record.id));
          return true;
        },
      });
    }
    return found;
  }

  async close(): Promise<void> {
    const leave = await this.#listening;
    await leave?.().catch((error: unknown) => this.#warn(error));
  }

  async *#records(prefix: string): AsyncGenerator<{ name: string; version: number; record: SessionRecord }> {
    const { records } = this.#options.store;
    for (let after = ""; ;) {
      const names = await records.list(prefix, { after });
      for (const name of names) {
        const found = await records.get(name);
        const record = found && decodeRecord(found.value);
        if (found !== undefined && record !== undefined) yield { name, version: found.version, record };
        after = name;
      }
      if (names.length === 0) return;
    }
  }

  async #listen(): Promise<(() => Promise<void>) | undefined> {
    try {
      return await this.#options.store.feed.subscribe(NEWS, (message) =>
        this.#tellGone(new TextDecoder().decode(message)),
      );
    } catch (error) {
      // A session that is gone is then noticed by the next call on it.
      this.#warn(error);
      return undefined;
    }
  }

  #warn(error: unknown): void {
    const { clock, events, redactor } = this.#options;
    if (clock.monotonic() - this.#warnedAt < QUIET_MS) return;
    this.#warnedAt = clock.monotonic();
    const { code, message } = toCcosError(error);
    events.emit("warning", { code, message: redactor.redact(`${message} Sessions go on without it.`) });
  }
}

function infoOf(record: SessionRecord): SessionInfo {
  const { id, provider, endpoint, identity, scope, calls, openedAt, lastUsedAt, expiresAt } = record;
  return { id, provider, endpoint, identity, scope, state: "kept", active: 0, calls, openedAt, lastUsedAt, expiresAt };
}

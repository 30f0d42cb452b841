import type { Store } from "../stores/store.ts";
import { decodeRecord, encodeRecord, type SessionRecord } from "./session-record.ts";

/**
 * Why a session leaves this process:
 * - `lost`: its peer does not know it any more.
 * - `ended`: it is to be ended at its peer.
 * - `unused`: nobody here has used it for long; others may have.
 * - `kept`: this process ends, and another one may go on with it.
 */
export type Parting = "lost" | "ended" | "unused" | "kept";

export interface KeptSessionOptions {
  readonly store: Store;
  /** Where its record stands. */
  readonly name: string;
  readonly record: SessionRecord;
  readonly version: number;
  /** Told that it is gone for everybody. */
  readonly gone: (id: string) => Promise<void>;
  /** Told what went wrong with the store; the session goes on without it. */
  readonly failed: (error: unknown) => void;
}

/** A session of this process whose record others can go on with. */
export class KeptSession {
  readonly #options: KeptSessionOptions;
  #record: SessionRecord;
  #version: number;
  #work: Promise<void> = Promise.resolve();

  constructor(options: KeptSessionOptions) {
    this.#options = options;
    this.#record = options.record;
    this.#version = options.version;
  }

  get record(): SessionRecord {
    return this.#record;
  }

  /** Notes that it has been used, so that nobody takes it for unused. Does not wait for the store. */
  touch(lastUsedAt: number, calls: number): void {
    this.#record = { ...this.#record, lastUsedAt, calls: Math.max(calls, this.#record.calls) };
    this.#work = this.#work.then(() => this.#write()).catch((error: unknown) => this.#options.failed(error));
  }

  /**
   * Does with the record what the parting asks for. True where the session goes on elsewhere, so that it must not be
   * ended at its peer.
   */
  async part(why: Parting, lastUsedAt: number, calls: number): Promise<boolean> {
    try {
      if (why === "kept") {
        this.touch(lastUsedAt, calls);
        await this.#work;
        return true;
      }
      await this.#work;
      if (why === "unused") return !(await this.#remove(this.#version));
      await this.#remove(undefined);
      return false;
    } catch (error) {
      this.#options.failed(error);
      return false;
    }
  }

  /** Written by others since: then theirs is the newer word, as long as it is of this session. */
  async #write(): Promise<void> {
    const { store, name } = this.#options;
    const found = await store.records.get(name);
    if (found === undefined || decodeRecord(found.value)?.id !== this.#record.id) return;
    const version = await store.records.put(name, encodeRecord(this.#record), { ifVersion: found.version });
    if (version !== undefined) this.#version = version;
  }

  /** False where the record is another session's by now, or has another version than the one asked for. */
  async #remove(ifVersion: number | undefined): Promise<boolean> {
    const { store, name } = this.#options;
    const found = await store.records.get(name);
    if (found === undefined) return ifVersion === undefined;
    if (decodeRecord(found.value)?.id !== this.#record.id) return true;
    if (ifVersion !== undefined && found.version !== ifVersion) return false;
    if (!(await store.records.remove(name, { ifVersion: found.version }))) return ifVersion === undefined;
    await this.#options.gone(this.#record.id);
    return true;
  }
}

/** What a service saw since it started: the other side of what the events of the runtime tell. */
export interface ServiceSeen {
  /** Sessions begun, of whichever kind its protocol has: a handshake, a login, a connection. */
  readonly opened: number;
  /** Calls executed, one number a session, in the order the sessions were opened. */
  readonly callsBySession: readonly number[];
  /** Sessions that it lost. */
  readonly forgotten: number;
  /** Sessions that its client ended. */
  readonly closed: number;
  /** Sessions it knows now. */
  readonly open: number;
}

/** A service in this process, on the loopback interface. It needs no network, and is for demonstrations and tests. */
export interface DemoService {
  /** The provider whose protocol it speaks. */
  readonly provider: string;
  /** What it is and what it has, for people. */
  readonly about: string;
  readonly url: string;
  /** The variable that names its address to the capabilities in `capabilities/demo`. */
  readonly variable: string;
  seen(): ServiceSeen;
  /** Loses every session, as a restart would. */
  loseSessions(): void;
  /** Ends every connection and frees the port. */
  close(): Promise<void>;
}

/** Sessions as a service counts them, by whatever it knows them by. */
export class SessionLedger<Key> {
  readonly #sessions = new Map<Key, number>();
  readonly #calls: number[] = [];
  #forgotten = 0;
  #closed = 0;

  open(key: Key): void {
    this.#sessions.set(key, this.#calls.push(0) - 1);
  }

  knows(key: Key): boolean {
    return this.#sessions.has(key);
  }

  /** Counts one call of a session. */
  count(key: Key): void {
    const ordinal = this.#sessions.get(key);
    if (ordinal !== undefined) this.#calls[ordinal] = (this.#calls[ordinal] ?? 0) + 1;
  }

  /** Its client has ended it. Does nothing for one that is not known. */
  close(key: Key): void {
    if (this.#sessions.delete(key)) this.#closed++;
  }

  forgetAll(): void {
    this.#forgotten += this.#sessions.size;
    this.#sessions.clear();
  }

  seen(): ServiceSeen {
    return {
      opened: this.#calls.length,
      callsBySession: [...this.#calls],
      forgotten: this.#forgotten,
      closed: this.#closed,
      open: this.#sessions.size,
    };
  }
}

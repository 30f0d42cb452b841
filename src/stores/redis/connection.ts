import { createHash } from "node:crypto";
import { CcosError } from "../../kernel/index.ts";

export interface RedisOptions {
  /** `redis://[user[:password]@]host[:port][/database]`, or `rediss://` for TLS. */
  readonly url: string;
  /** Before every key, so that others may use the same database. Default `ccos:`. */
  readonly prefix?: string | undefined;
  /** How long a command may take, in milliseconds. Default 2,000. */
  readonly commandTimeoutMs?: number | undefined;
  /** Told when the server is away, and when it is back. Default: nobody is told. */
  readonly warn?: ((message: string) => void) | undefined;
}

/** A script that runs on the server as one step. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

export function script(text: string): Script {
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

export type Argument = string | Uint8Array;
/** What the server answers: texts come as bytes. */
export type Reply = Buffer | number | null | Reply[];

type Client = Awaited<ReturnType<typeof connectClient>>;

const CONNECT_TIMEOUT_MS = 2_000;
const LONGEST_PAUSE_MS = 2_000;
const MOST_QUEUED = 10_000;

/**
 * One connection for commands and, where somebody listens, one for news. It is made again by itself when it is lost; until
 * then commands fail at once, because whoever calls can go on without the store.
 */
export class RedisConnection {
  /** Without credentials. */
  readonly name: string;
  readonly #options: RedisOptions;
  readonly #prefix: string;
  #client: Client;
  #listener: Promise<Client> | undefined;
  #closed = false;

  private constructor(options: RedisOptions, client: Client) {
    this.#options = options;
    this.#client = client;
    this.#prefix = options.prefix ?? "ccos:";
    this.name = nameOf(options.url);
  }

  /** Connects. Throws `store-error` where there is no server, or it refuses us. */
  static async open(options: RedisOptions): Promise<RedisConnection> {
    try {
      return new RedisConnection(options, await connectClient(options));
    } catch (error) {
      throw storeError(error, options.url);
    }
  }

  /**
   * The key of something: what several keys of one thing have in common stands in braces, so that a cluster keeps them
   * together.
   */
  key(kind: string, name: string, part = ""): string {
    return `${this.#prefix}{${kind}:${name}}${part}`;
  }

  /** The name in a key that `key` made. */
  nameIn(kind: string, key: string): string {
    return key.slice(`${this.#prefix}{${kind}:`.length, -1);
  }

  async command(...args: Argument[]): Promise<Reply> {
    try {
      return await this.#send(args);
    } catch (error) {
      throw storeError(error, this.#options.url);
    }
  }

  /** Runs a script, sending its text only where the server does not know it. */
  async run({ text, sha }: Script, keys: readonly string[], ...args: Argument[]): Promise<Reply> {
    const rest = [String(keys.length), ...keys, ...args];
    try {
      try {
        return await this.#send(["EVALSHA", sha, ...rest]);
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
        return await this.#send(["EVAL", text, ...rest]);
      }
    } catch (error) {
      throw storeError(error, this.#options.url);
    }
  }

  /** All keys of a kind whose names begin with a text. Looks through the whole database, a part at a time. */
  async keysOf(kind: string, namePrefix: string): Promise<string[]> {
    const pattern = `${escapeGlob(`${this.#prefix}{${kind}:${namePrefix}`)}*}`;
    const found = new Set<string>();
    let cursor = "0";
    do {
      const [next, keys] = (await this.command("SCAN", cursor, "MATCH", pattern, "COUNT", "1000")) as [
        Buffer,
        Buffer[],
      ];
      for (const key of keys) found.add(key.toString("utf8"));
      cursor = next.toString();
    } while (cursor !== "0");
    return [...found];
  }

  async subscribe(topic: string, listener: (message: Uint8Array) => void): Promise<() => Promise<void>> {
    const channel = this.key("feed", topic);
    const own = (message: Buffer): void => listener(new Uint8Array(message));
    try {
      this.#listener ??= connectClient({ ...this.#options, warn: undefined });
      const client = await this.#listener;
      await client.subscribe(channel, own, true);
      return async () => {
        if (!this.#closed) await client.unsubscribe(channel, own, true).catch(() => {});
      };
    } catch (error) {
      // The next one who wants to listen tries again.
      this.#listener = undefined;
      throw storeError(error, this.#options.url);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const listener = await this.#listener?.catch(() => undefined);
    for (const client of [this.#client, listener]) {
      if (client?.isReady === true) await client.close().catch(() => {});
      else if (client?.isOpen === true) client.destroy();
    }
  }

  async #send(args: readonly Argument[]): Promise<Reply> {
    const given = args.map((arg) => (typeof arg === "string" ? arg : Buffer.from(arg)));
    return await this.#client.sendCommand<Reply>(given);
  }
}

async function connectClient({ url, commandTimeoutMs = 2_000, warn = () => {} }: RedisOptions) {
  const { createClient, RESP_TYPES } = await import("@redis/client");
  let connected = false;
  let away = false;
  const client = createClient({
    url,
    RESP: 3,
    disableOfflineQueue: true,
    commandsQueueMaxLength: MOST_QUEUED,
    commandOptions: { timeout: commandTimeoutMs, typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      // The first connection fails at once; one that is lost is made again.
      reconnectStrategy: (tries, cause) => (connected ? Math.min(50 * 2 ** tries, LONGEST_PAUSE_MS) : cause),
    },
  });
  client.on("error", (error: Error) => {
    if (!connected || away) return;
    away = true;
    warn(`${nameOf(url)} is away (${wordsOf(error)}). What is held here goes on; nothing is shared until it is back.`);
  });
  client.on("ready", () => {
    connected = true;
    if (away) warn(`${nameOf(url)} is back.`);
    away = false;
  });
  await client.connect();
  return client;
}

/** The address without user and password. */
function nameOf(url: string): string {
  if (!URL.canParse(url)) return "redis";
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === "/" ? "" : pathname}`;
}

function escapeGlob(text: string): string {
  return text.replaceAll(/[\\*?[\]^]/g, "\\$&");
}

function wordsOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? (message === "" ? String(error) : message);
}

const REFUSED = /^(?:NOAUTH|WRONGPASS|NOPERM|ERR AUTH|ERR invalid password)/;

function storeError(error: unknown, url: string): CcosError {
  if (error instanceof CcosError) return error;
  const words = error instanceof Error ? wordsOf(error) : String(error);
  const refused = REFUSED.test(words);
  return new CcosError("store-error", `The store ${nameOf(url)} failed: ${words}`, {
    cause: error,
    remedy: refused
      ? "Check user and password in the store's address, and what the user may do (all commands on keys with its prefix)."
      : "Check that the server runs and can be reached; sessions that are held here go on meanwhile.",
    details: { retryable: !refused },
  });
}

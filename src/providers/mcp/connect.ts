import { createHash } from "node:crypto";

import type { Dispatcher } from "undici";

import type { JsonObject } from "../../kernel/index.ts";
import { abortError, type Interaction } from "../../kernel/index.ts";
import type { Target } from "../../session/handler.ts";
import type { McpSettings, HttpSettings, StdioSettings } from "./target.ts";
import { ChannelTransport } from "./channel.ts";
import { changedBy, followOffer } from "./offer.ts";
import { Questions } from "./questions.ts";
import { clientInfo } from "./client-info.ts";
import { readDiscovery, readInitializeResult, shakeHands, type ServerSelf } from "./handshake.ts";
import { HttpTransport } from "./transport-http.ts";
import { SseTransport } from "./transport-sse.ts";
import { StdioTransport } from "./transport-stdio.ts";
import type { WireTransport } from "./transport.ts";
import { envelope, MODERN_CODES, MODERN_VERSION, negotiate, type VerdictMemory } from "./negotiate.ts";
import type { SessionRecord } from "./session-record.ts";
import { WireError, type Era } from "./wire-error.ts";

/** An open conversation with a server. */
export interface Connection {
  readonly transport: WireTransport;
  readonly kind: "http" | "sse" | "stdio";
  readonly era: Era;
  /** What the server said of itself. */
  readonly server: ServerSelf;
  /** Added to the parameters of every request of the modern era. */
  readonly meta: JsonObject | undefined;
  readonly questions: Questions;
  readonly verdictKey: string;
  /** What the server said of itself, for people. */
  readonly description: string;
  readonly protocolVersion: string;
  /** What another process needs to go on; undefined where the session lives in a socket or a child process. */
  record(): SessionRecord | undefined;
}

export interface ConnectOptions {
  readonly dispatcher: Dispatcher;
  readonly verdicts: VerdictMemory;
  readonly now: () => number;
  /** Time for probe and handshake together, in milliseconds. */
  readonly openTimeoutMs: number;
  readonly signal: AbortSignal;
  /** Told when the connection ends by itself. */
  readonly lost?: ((reason: string) => void) | undefined;
  readonly warn?: ((message: string) => void) | undefined;
  /** Who answers what the server asks back. */
  readonly interaction?: Interaction | undefined;
  /** It is opened for listings alone, during which servers ask nothing. */
  readonly isBrief?: boolean | undefined;
  /** Told that what the server offers has changed: `tools`, `resources` or `prompts`. */
  readonly offerChanged?: ((what: string) => void) | undefined;
}

// A silent child may be one that is still starting; one that ignores what it does not know must not use up
// the time for the handshake.
const STDIO_PROBE_MS = 5000;

/** Opens a connection: finds out the era unless it is known, and shakes hands where the era asks for it. */
export async function connect(target: Target, options: ConnectOptions): Promise<Connection> {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(options.signal.reason);
  if (options.signal.aborted) throw abortError(options.signal);
  options.signal.addEventListener("abort", onAbort, { once: true });
  const silent = new WireError(
    { kind: "silent", afterMs: options.openTimeoutMs },
    { era: undefined, hasSessionId: false },
  );
  const timer = setTimeout(() => controller.abort(silent), options.openTimeoutMs);
  const attempt = new Attempt(target, { ...options, signal: controller.signal });
  try {
    return await attempt.run();
  } catch (error) {
    await attempt.abandon();
    if (options.signal.aborted) throw abortError(options.signal);
    throw controller.signal.aborted ? silent : error;
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener("abort", onAbort);
  }
}

/** A session that another process opened; nothing goes over the wire. */
export async function reconnect(target: Target, record: SessionRecord, options: ConnectOptions): Promise<Connection> {
  const attempt = new Attempt(target, options);
  return attempt.resume(record);
}

class Attempt {
  readonly #settings: McpSettings;
  readonly #options: ConnectOptions;
  readonly #info = clientInfo();
  readonly #key: string;
  readonly #questions: Questions;
  #transport: WireTransport | undefined;

  constructor(target: Target, options: ConnectOptions) {
    this.#questions = new Questions(options.interaction, target.endpoint, options.warn);
    this.#settings = target.settings as McpSettings;
    this.#options = options;
    this.#key = verdictKey(target);
  }

  run(): Promise<Connection> {
    return this.#settings.kind === "stdio" ? this.#runStdio(this.#settings) : this.#runHttp(this.#settings);
  }

  async abandon(): Promise<void> {
    const transport = this.#transport;
    if (transport === undefined) return;
    if (transport.sessionId !== undefined) await transport.terminate();
    await transport.close();
  }

  async resume(record: SessionRecord): Promise<Connection> {
    const settings = this.#settings as HttpSettings;
    if (record.era === "modern") return this.#adopt(this.#http(settings), "http", record.discover);
    const transport = this.#http(settings);
    const server = readInitializeResult(record.initializeResult, transport);
    transport.sessionId = record.sessionId ?? undefined;
    transport.protocolVersion = server.protocolVersion;
    transport.era = "legacy";
    this.#listen(transport);
    return this.#greeted(transport, "http", server);
  }

  async #runHttp(settings: HttpSettings): Promise<Connection> {
    if (settings.transport === "sse") return this.#openSse(settings);
    const { verdicts, signal } = this.#options;
    const known = verdicts.get(this.#key);
    if (known?.era === "modern") return this.#adopt(this.#http(settings), "http", known.discover);
    if (known?.era === "legacy") {
      try {
        return await (known.transport === "sse"
          ? this.#openSse(settings)
          : this.#shakeHands(this.#http(settings), "http"));
      } catch (error) {
        // The server may have become another one since; only what it says for certain counts as that.
        if (!contradicts(error)) throw error;
        verdicts.drop(this.#key);
        await this.abandon();
      }
    }
    const transport = this.#http(settings);
    const verdict = await negotiate(transport, this.#info, this.#questions.capabilities, signal);
    if (verdict.era === "modern") {
      verdicts.set(this.#key, verdict);
      return this.#adopt(transport, "http", verdict.discover);
    }
    try {
      const connection = await this.#shakeHands(transport, "http");
      if (verdict.certain) verdicts.set(this.#key, { era: "legacy", transport: "http" });
      return connection;
    } catch (error) {
      if (settings.transport !== "auto" || !mayBeOlder(error)) throw error;
      const connection = await this.#openSse(settings).catch(() => undefined);
      // What the newer transport met says more than the failure of the older one.
      if (connection === undefined) throw error;
      verdicts.set(this.#key, { era: "legacy", transport: "sse" });
      return connection;
    }
  }

  async #runStdio(settings: StdioSettings): Promise<Connection> {
    const { verdicts, signal } = this.#options;
    const known = verdicts.get(this.#key);
    let ended = false;
    if (known?.era !== "legacy") {
      const transport = this.#stdio(settings);
      await transport.open();
      const probe = new AbortController();
      const timer = setTimeout(() => probe.abort(), STDIO_PROBE_MS);
      try {
        const verdict = await negotiate(
          transport,
          this.#info,
          this.#questions.capabilities,
          AbortSignal.any([signal, probe.signal]),
        );
        if (verdict.era === "modern") {
          verdicts.set(this.#key, verdict);
          return this.#adopt(transport, "stdio", verdict.discover);
        }
        if (verdict.certain) verdicts.set(this.#key, { era: "legacy", transport: "stdio" });
        return await this.#shakeHands(transport, "stdio");
      } catch (error) {
        // A server that ends, or says nothing, at a question before the handshake is one of the older kind.
        ended = error instanceof WireError && error.failure.kind === "closed" && error.failure.sent;
        if (signal.aborted || !(ended || probe.signal.aborted)) throw error;
        await transport.close();
      } finally {
        clearTimeout(timer);
      }
    }
    const transport = this.#stdio(settings);
    await transport.open();
    try {
      const connection = await this.#shakeHands(transport, "stdio");
      if (ended) verdicts.set(this.#key, { era: "legacy", transport: "stdio" });
      return connection;
    } catch (error) {
      if (contradicts(error)) verdicts.drop(this.#key);
      throw error;
    }
  }

  async #openSse(settings: HttpSettings): Promise<Connection> {
    const { dispatcher, now } = this.#options;
    const transport = new SseTransport({
      url: new URL(settings.url),
      headers: settings.headers,
      dispatcher,
      limit: settings.maxResponseBytes,
      now,
    });
    this.#transport = transport;
    const abort = (): void => void transport.close();
    this.#options.signal.addEventListener("abort", abort, { once: true });
    try {
      await transport.open();
      return await this.#shakeHands(transport, "sse");
    } catch (error) {
      await transport.close();
      throw error;
    } finally {
      this.#options.signal.removeEventListener("abort", abort);
    }
  }

  #http(settings: HttpSettings): HttpTransport {
    const { dispatcher, now } = this.#options;
    const transport = new HttpTransport({
      url: new URL(settings.url),
      sending: settings.sending,
      headers: settings.headers,
      dispatcher,
      limit: settings.maxResponseBytes,
      now,
    });
    this.#transport = transport;
    return transport;
  }

  #stdio(settings: StdioSettings): StdioTransport {
    const transport = new StdioTransport({ ...settings, limit: settings.maxResponseBytes });
    this.#transport = transport;
    return transport;
  }

  /** The handshake of the revisions that have one. */
  async #shakeHands(transport: WireTransport, kind: Connection["kind"]): Promise<Connection> {
    transport.era = "legacy";
    this.#listen(transport);
    const server = await shakeHands(transport, this.#info, this.#questions.capabilities, this.#options.signal);
    return this.#greeted(transport, kind, server);
  }

  async #greeted(transport: WireTransport, kind: Connection["kind"], server: ServerSelf): Promise<Connection> {
    const connection = this.#connection(transport, kind, "legacy", server, undefined);
    // Before the first call: what a server says there while nobody listens is gone.
    const mayBeAsked = this.#questions.any && this.#options.isBrief !== true;
    if (mayBeAsked || this.#options.offerChanged !== undefined) await transport.listen();
    return connection;
  }

  /** The modern era has no handshake: what was discovered is all there is. */
  #adopt(transport: WireTransport, kind: Connection["kind"], discover: JsonObject): Connection {
    transport.era = "modern";
    transport.protocolVersion = MODERN_VERSION;
    this.#listen(transport);
    const meta = envelope(this.#info, this.#questions.capabilities);
    const connection = this.#connection(transport, kind, "modern", readDiscovery(discover), meta);
    if (this.#options.offerChanged !== undefined) followOffer(connection);
    return connection;
  }

  /** From here on the server may ask, and tell of changes. */
  #listen(transport: WireTransport): void {
    const { messages } = transport;
    const { offerChanged } = this.#options;
    messages.onasked = ({ method, params, ...asker }) => this.#questions.answer(method, params, asker);
    if (offerChanged !== undefined)
      messages.listen(({ method }) => {
        const what = changedBy(method);
        if (what !== undefined) offerChanged(what);
      });
  }

  #connection(
    transport: WireTransport,
    kind: Connection["kind"],
    era: Era,
    server: ServerSelf,
    meta: JsonObject | undefined,
  ): Connection {
    if (transport instanceof ChannelTransport) transport.throwIfEnded();
    transport.onlost = this.#options.lost;
    const { serverInfo, protocolVersion, answer } = server;
    const name = serverInfo === undefined ? "an unnamed server" : `${serverInfo.name} ${serverInfo.version}`;
    return {
      transport,
      kind,
      era,
      server,
      meta,
      questions: this.#questions,
      verdictKey: this.#key,
      description: `${name}, MCP ${protocolVersion}`,
      protocolVersion,
      record() {
        if (kind !== "http") return undefined;
        return era === "modern"
          ? { era, discover: answer }
          : { era, sessionId: transport.sessionId ?? null, initializeResult: answer };
      },
    };
  }
}

/** Whether an error of an opening says that the server is not what it was believed to be. */
function contradicts(error: unknown): boolean {
  if (!(error instanceof WireError)) return true;
  const { failure } = error;
  if (failure.kind === "http") return [400, 404, 405, 406, 410, 415].includes(failure.status);
  return failure.kind === "rpc" || failure.kind === "broken";
}

/** Whether a failed handshake leaves the older HTTP transport possible. */
function mayBeOlder(error: unknown): boolean {
  if (!(error instanceof WireError) || error.failure.kind !== "http") return false;
  const { status, rpc } = error.failure;
  return [400, 404, 405].includes(status) && (rpc === undefined || !MODERN_CODES.has(rpc.code));
}

/** One verdict a server and identity: what a server offers may depend on who asks. */
function verdictKey(target: Target): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([target.endpoint, target.credentials, target.shape]));
  return hash.digest("base64url");
}

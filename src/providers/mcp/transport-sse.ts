import type { Dispatcher } from "undici";

import { addressOf, readEvents, send, TooLarge, type HttpResponse } from "../../http/index.ts";
import { ChannelTransport } from "./channel.ts";
import { asWireError, httpFailure } from "./http-failure.ts";
import type { WireState } from "./wire-error.ts";

export interface SseTransportOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
  /** Most bytes of one message. */
  readonly limit: number;
  readonly now: () => number;
}

/**
 * HTTP+SSE of revision 2024-11-05: one event stream carries every answer, and its first event names where to
 * post. The session lives as long as that stream. It is never reconnected: a server would take the new stream
 * for a new, uninitialised session, and calls would meet a state that is not theirs.
 */
export class SseTransport extends ChannelTransport {
  readonly #options: SseTransportOptions;
  readonly #controller = new AbortController();
  #endpoint: URL | undefined;

  constructor(options: SseTransportOptions) {
    super();
    this.#options = options;
  }

  /** The id of the session is part of where messages are posted. */
  override get state(): WireState {
    return { era: this.era, hasSessionId: this.#endpoint !== undefined };
  }

  override get secrets(): readonly string[] {
    return [...(this.#endpoint?.searchParams.values() ?? [])];
  }

  /** Opens it; afterwards it can send. */
  async open(): Promise<void> {
    const response = await this.#open();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    readEvents(response, {
      limit: this.#options.limit,
      onEvent: (event) => {
        if (event.event === "endpoint") {
          this.#endpoint = this.#readEndpoint(event.data);
          resolve();
        } else if (event.event === undefined || event.event === "message") {
          this.receive(event.data);
        }
      },
    }).then(
      () => this.#lose("The event stream of the session ended.", reject),
      (error: unknown) => {
        if (error instanceof TooLarge) this.failAll(asWireError(error, this.state));
        const why = error instanceof Error ? error.message : String(error);
        this.#lose(`The event stream of the session broke: ${why}`, reject, error);
      },
    );
    await promise;
  }

  override async close(): Promise<void> {
    this.end("The session was closed.", true);
    this.#controller.abort();
  }

  override async terminate(): Promise<void> {
    // The end of the stream is the end of the session.
  }

  protected override async write(text: string): Promise<void> {
    if (this.#endpoint === undefined)
      throw this.failed({ kind: "closed", text: "The session is not open.", sent: false });
    try {
      const response = await send(this.#options.dispatcher, addressOf(this.#endpoint), {
        method: "POST",
        headers: { ...this.#headers(), "content-type": "application/json" },
        body: text,
        signal: this.#controller.signal,
      });
      if (response.status >= 200 && response.status < 300) await response.discard();
      else throw this.failed(httpFailure(response, await response.excerpt(), this.#options.now()));
    } catch (error) {
      throw asWireError(error, this.state);
    }
  }

  async #open(): Promise<HttpResponse> {
    let response: HttpResponse;
    try {
      response = await send(this.#options.dispatcher, addressOf(this.#options.url), {
        method: "GET",
        headers: { ...this.#headers(), accept: "text/event-stream" },
        signal: this.#controller.signal,
      });
    } catch (error) {
      throw asWireError(error, this.state);
    }
    const type = (response.header("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase();
    if (response.status === 200 && type === "text/event-stream") return response;
    const text = await response.excerpt();
    if (response.status === 200) throw this.failed({ kind: "broken", text: "The answer is no event stream." });
    throw this.failed(httpFailure(response, text, this.#options.now()));
  }

  #headers(): Record<string, string> {
    const headers = { ...this.#options.headers };
    if (this.protocolVersion !== undefined) headers["mcp-protocol-version"] = this.protocolVersion;
    return headers;
  }

  #readEndpoint(text: string): URL {
    const base = this.#options.url;
    const endpoint = URL.canParse(text, base.href) ? new URL(text, base) : undefined;
    if (endpoint === undefined || endpoint.origin !== base.origin) {
      throw this.failed({ kind: "broken", text: "The server wants messages posted to another origin." });
    }
    return endpoint;
  }

  #lose(reason: string, rejectStart: (error: unknown) => void, cause?: unknown): void {
    rejectStart(cause === undefined ? this.failed({ kind: "cut", text: reason }) : asWireError(cause, this.state));
    this.end(reason, this.#controller.signal.aborted);
  }
}

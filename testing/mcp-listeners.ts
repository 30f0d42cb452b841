import type { Answer } from "./mcp-answer.ts";

interface Listener {
  readonly answer: Answer;
  /** The subscription; undefined on the stream of a session. */
  readonly id: string | undefined;
  wants(method: string, params: object): boolean;
}

/** The streams on which a scripted server says what belongs to no request. */
export class McpListeners {
  readonly #all = new Set<Listener>();

  get size(): number {
    return this.#all.size;
  }

  /** The stream of a session, which hears everything. */
  add(answer: Answer): void {
    this.#keep({ answer, id: undefined, wants: () => true });
    answer.open();
  }

  /** A subscription of the revision without sessions, which hears what it asked for. */
  subscribe(answer: Answer, id: string, notifications: unknown): void {
    const filter = (notifications ?? {}) as Record<string, unknown>;
    this.#keep({ answer, id, wants: (method, params) => isWanted(filter, method, params) });
    void answer.event({
      method: "notifications/subscriptions/acknowledged",
      params: { _meta: { [SUBSCRIPTION_ID]: id }, notifications: filter },
    });
  }

  /** Says something: to every session, and to those subscriptions that wanted it. */
  announce(method: string, params: object = {}): void {
    for (const { answer, id, wants } of this.#all) {
      const meta = id === undefined ? {} : { _meta: { [SUBSCRIPTION_ID]: id } };
      if (wants(method, params)) void answer.event({ method, params: { ...params, ...meta } });
    }
  }

  /** Asks something on the streams of sessions. */
  ask(id: string, method: string, params: object): void {
    for (const { answer, id: subscription } of this.#all) {
      if (subscription === undefined) void answer.event({ id, method, params });
    }
  }

  /** Closes every stream without a word. */
  cut(): void {
    for (const { answer } of this.#all) answer.cut();
  }

  #keep(listener: Listener): void {
    this.#all.add(listener);
    listener.answer.onClosed(() => this.#all.delete(listener));
  }
}

const SUBSCRIPTION_ID = "io.modelcontextprotocol/subscriptionId";

function isWanted(filter: Record<string, unknown>, method: string, params: object): boolean {
  const [, list, event] = /^notifications\/(\w+)\/(\w+)$/.exec(method) ?? [];
  if (event === "list_changed") return filter[`${list}ListChanged`] === true;
  const uris = filter["resourceSubscriptions"];
  return Array.isArray(uris) && uris.includes((params as { uri?: unknown }).uri);
}

import type { ManifestTraits } from "../capability/call.ts";
import { CcosError, didYouMean, isJsonObject } from "../kernel/index.ts";
import type { HandlerTraits, SessionHandler } from "./handler.ts";

interface Loader {
  readonly load: () => Promise<unknown>;
  /** What is known of the handler before it is loaded. */
  readonly traits: HandlerTraits;
}

/** The handlers there are, by provider; some of them are loaded only when they are needed. */
export class HandlerShelf {
  readonly #handlers = new Map<string, SessionHandler>();
  readonly #loaders = new Map<string, Loader>();

  add(handler: SessionHandler): void {
    this.#handlers.set(handler.provider, handler);
  }

  addLoader(provider: string, load: () => Promise<unknown>, traits: HandlerTraits = {}): void {
    this.#loaders.set(provider, { load, traits });
  }

  providers(): readonly string[] {
    return [...new Set([...this.#handlers.keys(), ...this.#loaders.keys()])].sort();
  }

  traits(provider: string): ManifestTraits | undefined {
    const handler = this.#handlers.get(provider);
    return handler === undefined ? this.#loaders.get(provider)?.traits : (handler.traits ?? {});
  }

  /** Those that are loaded. */
  loaded(): Iterable<SessionHandler> {
    return this.#handlers.values();
  }

  /** The handler of a provider; a promise only where it has to be loaded. */
  get(provider: string, capabilityId: string): SessionHandler | Promise<SessionHandler> {
    return this.#handlers.get(provider) ?? this.#load(provider, capabilityId);
  }

  async #load(provider: string, capabilityId: string): Promise<SessionHandler> {
    const loader = this.#loaders.get(provider);
    if (loader === undefined) throw this.#missing(provider, capabilityId);
    const handler = await loader.load();
    if (!isHandler(handler) || handler.provider !== provider) throw noHandler(provider);
    const earlier = this.#handlers.get(provider);
    // Another call may have had it loaded meanwhile: one provider has one handler.
    if (earlier !== undefined) return earlier;
    this.#handlers.set(provider, handler);
    return handler;
  }

  #missing(provider: string, capabilityId: string): CcosError {
    const known = this.providers();
    const registered = known.length > 0 ? `Registered: ${known.join(", ")}.` : "None is registered.";
    return new CcosError(
      "not-found",
      `No session handler is registered for the provider "${provider}", which "${capabilityId}" names. ${registered}`,
      { remedy: didYouMean(provider, known) || "Register a handler for it, or correct the metadata block." },
    );
  }
}

const DUTIES = ["target", "initializeSession", "executeWithSession", "terminateSession"] as const;

function isHandler(value: unknown): value is SessionHandler {
  return isJsonObject(value) && DUTIES.every((name) => typeof (value as Record<string, unknown>)[name] === "function");
}

function noHandler(provider: string): CcosError {
  return new CcosError(
    "invalid-argument",
    `What was loaded for the provider "${provider}" is no session handler of that name.`,
    {
      remedy: `Export a handler whose provider is "${provider}", or a function that makes one, as the default.`,
    },
  );
}

import {
  isJsonObject,
  startDeadline,
  systemClock,
  systemRandom,
  type CcosError,
  type Deadline,
  type Interaction,
  type JsonObject,
  type JsonValue,
  type StreamEvent,
} from "../src/kernel/index.ts";
import { classifyFailure } from "../src/session/classify-failure.ts";
import type {
  Session,
  SessionCall,
  SessionCapability,
  SessionContext,
  SessionHandler,
  SecretUse,
  Target,
  TargetContext,
} from "../src/session/handler.ts";

/**
 * Drives a handler as the core does, without the core: no pool, no replay, no retry. What a handler throws
 * comes out classified, so that a test sees what the core would.
 */
export interface HandlerDriver<State> {
  readonly lost: readonly string[];
  readonly warnings: readonly string[];
  readonly secrets: ReadonlySet<string>;
  /** What peers said has changed of what they offer. */
  readonly changes: readonly string[];
  target(capability: SessionCapability): Target;
  open(capability: SessionCapability, options?: { readonly signal?: AbortSignal }): Promise<Session<State>>;
  restore(snapshot: JsonObject, capability: SessionCapability): Promise<Session<State>>;
  call(
    session: Session<State>,
    capability: SessionCapability,
    input?: JsonValue,
    options?: { readonly signal?: AbortSignal; readonly timeoutMs?: number },
  ): Promise<JsonValue>;
  stream(
    session: Session<State>,
    capability: SessionCapability,
    input?: JsonValue,
    options?: { readonly signal?: AbortSignal | undefined },
  ): AsyncIterable<StreamEvent>;
  probe(session: Session<State>): Promise<boolean>;
  terminate(session: Session<State>): Promise<void>;
  /** Terminates every session that is still open, and closes the handler. */
  close(): Promise<void>;
}

export interface DriverOptions {
  /** The variables of the environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Settings for every endpoint. */
  readonly endpointSettings?: JsonObject;
  /** Who answers what peers ask back. Default: nobody. */
  readonly interaction?: Interaction;
  /** Whether peers are to tell of changes of what they offer. Default false. */
  readonly followOffer?: boolean;
  /** Told of every secret that is asked for. */
  readonly onSecret?: (name: string, use: SecretUse) => void;
}

export function driveHandler<State>(handler: SessionHandler<State>, options: DriverOptions = {}): HandlerDriver<State> {
  const env = options.env ?? {};
  const lost: string[] = [];
  const warnings: string[] = [];
  const changes: string[] = [];
  const secrets = new Set<string>();
  const open = new Map<string, Session<State>>();
  let count = 0;

  const targetContext: TargetContext = {
    variable: (name) => env[name],
    secret(name, use) {
      options.onSecret?.(name, use);
      if (use.fallbackOrigins !== undefined && !use.fallbackOrigins.includes(use.origin)) return undefined;
      return env[name];
    },
    authorizeEndpoint: () => {},
    authorizeCommand: () => {},
    endpointSettings: () => options.endpointSettings ?? {},
  };

  const context = (signal: AbortSignal): SessionContext => ({
    clock: systemClock,
    random: systemRandom,
    signal,
    lost: (reason) => lost.push(reason),
    addSecret: (secret) => secrets.add(secret),
    warn: (message) => warnings.push(message),
    interaction: options.interaction,
    offerChanged: options.followOffer === true ? (what) => void changes.push(what) : undefined,
  });

  const never = new AbortController().signal;
  const classified = (
    error: unknown,
    phase: "open" | "execute" | "terminate",
    sent: boolean,
    target: Target,
  ): CcosError => classifyFailure(handler, error, { phase, sent, target });

  const keep = (target: Target, state: State): Session<State> => {
    const session: Session<State> = { id: `ses_${++count}`, target, state, lost: false };
    open.set(session.id, session);
    return session;
  };

  const started = (
    capability: SessionCapability,
    input: JsonValue,
    deadline: Deadline,
  ): { readonly call: SessionCall; wasSent(): boolean } => {
    let sent = false;
    const call: SessionCall = {
      capability,
      target: driver.target(capability),
      input,
      signal: deadline.signal,
      remainingMs: () => deadline.remainingMs(),
      attempt: 1,
      sent: () => {
        sent = true;
      },
    };
    return { call, wasSent: () => sent };
  };

  const driver: HandlerDriver<State> = {
    lost,
    warnings,
    secrets,
    changes,
    target: (capability) => handler.target(capability, targetContext),
    async open(capability, { signal = never } = {}) {
      const target = driver.target(capability);
      try {
        return keep(target, (await handler.initializeSession(target, context(signal))).state);
      } catch (error) {
        throw classified(error, "open", false, target);
      }
    },
    async restore(snapshot, capability) {
      const target = driver.target(capability);
      if (handler.restore === undefined) throw new Error("This handler restores nothing.");
      try {
        return keep(target, (await handler.restore(snapshot, target, context(never))).state);
      } catch (error) {
        throw classified(error, "open", false, target);
      }
    },
    async call(session, capability, input = {}, { signal, timeoutMs = Number.POSITIVE_INFINITY } = {}) {
      using deadline = startDeadline(systemClock, timeoutMs, signal);
      const { call, wasSent } = started(capability, input, deadline);
      try {
        return await handler.executeWithSession(session, call, context(never));
      } catch (error) {
        throw classified(error, "execute", wasSent(), call.target);
      }
    },
    stream(session, capability, input = {}, { signal } = {}) {
      if (handler.stream === undefined) throw new Error("This handler does not stream.");
      const deadline = startDeadline(systemClock, Number.POSITIVE_INFINITY, signal);
      const { call, wasSent } = started(capability, input, deadline);
      let events: AsyncIterator<StreamEvent> | undefined;
      const classifying = async (step: Promise<IteratorResult<StreamEvent>>): Promise<IteratorResult<StreamEvent>> => {
        try {
          const result = await step;
          if (result.done === true) deadline[Symbol.dispose]();
          return result;
        } catch (error) {
          deadline[Symbol.dispose]();
          throw classified(error, "execute", wasSent(), call.target);
        }
      };
      // No generator: leaving one waits for the event that it waits for.
      return {
        [Symbol.asyncIterator]() {
          events ??= handler.stream?.(session, call, context(never))[Symbol.asyncIterator]();
          const each = events as AsyncIterator<StreamEvent>;
          return {
            next: () => classifying(each.next()),
            return: () => classifying(each.return?.() ?? Promise.resolve({ value: undefined, done: true })),
          };
        },
      };
    },
    async probe(session) {
      if (handler.probe === undefined) throw new Error("This handler probes nothing.");
      return handler.probe(session, context(never));
    },
    async terminate(session) {
      open.delete(session.id);
      await handler.terminateSession(session, context(never));
    },
    async close() {
      for (const session of [...open.values()]) await driver.terminate(session);
      await handler.close?.();
    },
  };
  return driver;
}

/** A capability as a handler sees it, from the nested metadata of one provider. */
export function capabilityOf(
  provider: string,
  block: JsonObject,
  options: {
    readonly id?: string;
    readonly idempotent?: boolean;
    readonly trusted?: boolean;
    readonly file?: string;
  } = {},
): SessionCapability {
  const metadata: Record<string, string> = Object.create(null) as Record<string, string>;
  const flatten = (prefix: string, value: JsonValue): void => {
    if (isJsonObject(value)) {
      for (const [key, inner] of Object.entries(value)) flatten(`${prefix}_${key}`, inner);
    } else if (value !== null) {
      metadata[prefix] = Array.isArray(value) ? JSON.stringify(value) : String(value);
    }
  };
  flatten(provider, block);
  return {
    id: options.id ?? `${provider}.test`,
    metadata,
    block,
    idempotent: options.idempotent,
    trusted: options.trusted ?? true,
    file: options.file,
  };
}

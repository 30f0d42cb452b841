import { CallStream } from "../src/capability/call-stream.ts";
import {
  flattenMetadata,
  type CallOutcome,
  type Caller,
  type EventStream,
  type Manifest,
} from "../src/capability/index.ts";
import {
  createEmitter,
  createId,
  createRedactor,
  startDeadline,
  systemClock,
  type CcosError,
  type JsonObject,
  type JsonValue,
  type Redactor,
  type RuntimeEvents,
} from "../src/kernel/index.ts";
import { SessionPoolManager, type SessionHandler } from "../src/session/index.ts";

export interface PoolDriverOptions {
  /** The block of the capability that is called, as nested under the provider's name. */
  readonly block: JsonObject;
  /** Its `:session` settings. */
  readonly session?: JsonObject | undefined;
  /** The variables of the environment; read anew at every call. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface PoolCall {
  /** Default 10,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly caller?: Caller;
  readonly idempotent?: boolean;
}

/** One capability of one handler behind the real pool, on the real clock, without files and without policies. */
export interface PoolDriver {
  readonly manager: SessionPoolManager;
  readonly redactor: Redactor;
  call(input: JsonValue, options?: PoolCall): Promise<CallOutcome>;
  /** The events of a call; without a limit of time unless there is one given. */
  stream(input: JsonValue, options?: PoolCall): EventStream;
  countOf(event: keyof RuntimeEvents): number;
  close(options?: { readonly deadlineMs?: number }): Promise<void>;
}

export function drivePool(handler: SessionHandler, options: PoolDriverOptions): PoolDriver {
  const env = options.env ?? {};
  const events = createEmitter<RuntimeEvents>();
  const counts = new Map<keyof RuntimeEvents, number>();
  events.onAny((name) => void counts.set(name, (counts.get(name) ?? 0) + 1));
  const redactor = createRedactor();
  const manager = new SessionPoolManager({
    fingerprintKey: new Uint8Array(32).fill(7),
    events,
    redactor,
    readVariable: (name) => env[name],
    targetContext: (_capability, caller) => ({
      variable: (name) => env[name],
      secret(name, use) {
        const value = caller?.credentials?.[name] ?? env[name];
        if (use.fallbackOrigins !== undefined && !use.fallbackOrigins.includes(use.origin)) return undefined;
        if (value !== undefined) redactor.add(value);
        return value;
      },
      authorizeEndpoint: () => {},
      authorizeCommand: () => {},
      endpointSettings: () => ({}),
    }),
  });
  manager.registerHandler(handler);
  const manifest = manifestOf(handler.provider, options);
  return {
    manager,
    redactor,
    async call(input, { timeoutMs = 10_000, signal, caller, idempotent } = {}) {
      using deadline = startDeadline(systemClock, timeoutMs, signal);
      return await manager.executeWithSession(manifest, input, {
        callId: createId("c"),
        signal: deadline.signal,
        remainingMs: () => deadline.remainingMs(),
        caller,
        idempotent,
      });
    },
    stream(input, { timeoutMs = Infinity, signal, caller, idempotent } = {}) {
      return new CallStream(async (events) => {
        using deadline = startDeadline(systemClock, timeoutMs, signal);
        const abort = (reason: CcosError): void => deadline.abort(reason);
        events.runs({ abort, resultTimeoutMs: 10_000 });
        const outcome = await manager.executeWithSession(manifest, input, {
          callId: createId("c"),
          signal: deadline.signal,
          remainingMs: () => deadline.remainingMs(),
          caller,
          idempotent,
          events,
          abort,
        });
        return { ...outcome, durationMs: 0 };
      });
    },
    countOf: (event) => counts.get(event) ?? 0,
    close: (closing) => manager.close(closing),
  };
}

function manifestOf(provider: string, { block, session }: PoolDriverOptions): Manifest {
  const own: JsonObject = { requires_session: "true", ...block };
  const metadata: JsonObject = { [provider]: own, ...(session !== undefined && { session }) };
  return {
    id: `${provider}.checked`,
    name: `${provider}.checked`,
    description: "",
    version: "1.0.0",
    language: "rtfs20",
    permissions: [],
    effects: [":network"],
    inputSchema: undefined,
    outputSchema: undefined,
    metadata,
    flatMetadata: flattenMetadata(metadata),
    execution: { kind: "provider", block: { provider, key: `${provider}_requires_session`, requiresSession: "true" } },
    idempotent: undefined,
    origin: { file: undefined, place: undefined, trusted: true },
    extra: {},
  };
}

import { CallStream } from "../src/capability/call-stream.ts";
import type { CallContext, Caller, CallPolicies, EventStream, Manifest } from "../src/capability/index.ts";
import {
  createEmitter,
  createRedactor,
  createSeededRandom,
  startDeadline,
  type JsonObject,
  type JsonValue,
  type Redactor,
  type RuntimeEvents,
} from "../src/kernel/index.ts";
import type { Policy, PolicySurroundings } from "../src/policies/index.ts";
import { SessionPoolManager } from "../src/session/index.ts";
import type { CallOutcome } from "../src/capability/index.ts";
import { createFakeClock, type FakeClock } from "./fake-clock.ts";
import { createScriptedHandler, type ScriptedHandler } from "./scripted-handler.ts";

export interface RigCall {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly caller?: Caller;
  readonly idempotent?: boolean;
  readonly policies?: CallPolicies;
}

/** A manager with one scripted provider on a clock that the test moves. */
export interface ManagerRig extends ScriptedHandler {
  readonly clock: FakeClock;
  readonly manager: SessionPoolManager;
  readonly redactor: Redactor;
  readonly env: Record<string, string>;
  /** Every event so far, in order. */
  readonly events: { name: keyof RuntimeEvents; event: RuntimeEvents[keyof RuntimeEvents] }[];
  countOf(name: keyof RuntimeEvents): number;
  capability(id: string, options?: CapabilityOptions): Manifest;
  call(manifest: Manifest, input?: JsonValue, options?: RigCall): Promise<CallOutcome>;
  /** The events of a call; without a limit of time unless there is one given. */
  stream(manifest: Manifest, input?: JsonValue, options?: RigCall): EventStream;
}

export interface CapabilityOptions {
  readonly provider?: string;
  readonly requiresSession?: "true" | "auto" | "false";
  readonly session?: JsonObject;
  /** Other settings of its metadata, such as `{"retry": {…}}`. */
  readonly settings?: JsonObject;
  readonly endpoint?: string;
  readonly authEnvVar?: string;
  readonly idempotent?: boolean;
}

let calls = 0;

export interface ManagerRigOptions {
  readonly seed?: number;
  /** The `session` settings of the configuration. */
  readonly sessionDefaults?: JsonObject;
  /** The other settings of the configuration. */
  readonly configuration?: JsonObject;
  /** Default: none. */
  readonly policies?: (around: PolicySurroundings) => readonly Policy[];
}

export function createManagerRig(options: ManagerRigOptions = {}): ManagerRig {
  const clock = createFakeClock();
  const scripted = createScriptedHandler(clock);
  const emitter = createEmitter<RuntimeEvents>();
  const events: ManagerRig["events"] = [];
  emitter.onAny((name, event) => void events.push({ name, event }));
  const env: Record<string, string> = Object.create(null) as Record<string, string>;
  const redactor = createRedactor();
  const manager = new SessionPoolManager({
    events: emitter,
    redactor,
    clock,
    random: createSeededRandom(options.seed ?? 1),
    readVariable: (name) => env[name],
    fingerprintKey: new Uint8Array(32).fill(7),
    configuration: {
      ...options.configuration,
      ...(options.sessionDefaults !== undefined && { session: options.sessionDefaults }),
    },
    policies: options.policies?.({ clock, random: createSeededRandom(options.seed ?? 1), events: emitter, redactor }),
    targetContext: (_capability, caller) => ({
      variable: (name) => env[name],
      secret: (name) => caller?.credentials?.[name] ?? env[name],
      authorizeEndpoint: () => {},
      authorizeCommand: () => {},
      endpointSettings: () => ({}),
    }),
  });
  manager.registerHandler(scripted.handler);

  const context = (call: RigCall, ordinaryMs = 30_000): CallContext & Disposable => {
    const deadline = startDeadline(clock, call.timeoutMs ?? ordinaryMs, call.signal);
    return {
      callId: `c_${++calls}`,
      signal: deadline.signal,
      remainingMs: () => deadline.remainingMs(),
      caller: call.caller,
      idempotent: call.idempotent,
      policies: call.policies,
      abort: (reason) => deadline.abort(reason),
      [Symbol.dispose]: () => deadline[Symbol.dispose](),
    };
  };

  return Object.assign(Object.create(scripted, Object.getOwnPropertyDescriptors(scripted)) as ScriptedHandler, {
    clock,
    manager,
    redactor,
    env,
    events,
    countOf: (name: keyof RuntimeEvents) => events.filter((entry) => entry.name === name).length,
    capability: (id: string, given: CapabilityOptions = {}) => manifestOf(id, given),
    async call(manifest: Manifest, input: JsonValue = {}, call: RigCall = {}) {
      using started = context(call);
      return await manager.executeWithSession(manifest, input, started);
    },
    stream: (manifest: Manifest, input: JsonValue = {}, call: RigCall = {}) =>
      new CallStream(async (events) => {
        using started = context(call, Infinity);
        events.runs({ abort: (reason) => started.abort?.(reason), resultTimeoutMs: 30_000 });
        const outcome = await manager.executeWithSession(manifest, input, { ...started, events });
        return { ...outcome, durationMs: 0 };
      }),
  });
}

function manifestOf(id: string, options: CapabilityOptions): Manifest {
  const provider = options.provider ?? "line";
  const requiresSession = options.requiresSession ?? "true";
  const endpoint = options.endpoint ?? "line://example";
  const block: JsonObject = { endpoint, requires_session: requiresSession };
  const flat: Record<string, string> = Object.create(null) as Record<string, string>;
  flat[`${provider}_endpoint`] = endpoint;
  flat[`${provider}_requires_session`] = requiresSession;
  if (options.authEnvVar !== undefined) flat[`${provider}_auth_env_var`] = options.authEnvVar;
  return {
    id,
    name: id,
    description: "",
    version: "1.0.0",
    language: "rtfs20",
    permissions: [],
    effects: [":network"],
    inputSchema: undefined,
    outputSchema: undefined,
    metadata: {
      [provider]: block,
      ...(options.session !== undefined && { session: options.session }),
      ...options.settings,
    },
    flatMetadata: flat,
    execution: { kind: "provider", block: { provider, key: `${provider}_requires_session`, requiresSession } },
    idempotent: options.idempotent,
    origin: { file: undefined, place: undefined, trusted: true },
    extra: {},
  };
}

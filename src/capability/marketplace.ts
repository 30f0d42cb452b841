import {
  CcosError,
  createRedactor,
  didYouMean,
  redactError,
  startDeadline,
  toCcosError,
  type Clock,
  type Deadline,
  type Emitter,
  type JsonValue,
  type Redactor,
  type RuntimeEvents,
} from "../kernel/index.ts";
import { toJson, type Host, type Value } from "../rtfs/index.ts";
import {
  attachReport,
  reportOf,
  type CallOptions,
  type CallOutcome,
  type CallReport,
  type EventStream,
  type SessionDelegate,
} from "./call.ts";
import { CallBudget } from "./call-budget.ts";
import { recordCall } from "./call-record.ts";
import { CallStream } from "./call-stream.ts";
import { streamTimeoutMsOf, timeoutMsOf, type DefaultTimeout } from "./call-time.ts";
import { checkInputJson, checkInputValue, checkOutputJson, checkOutputValue } from "./check-schema.ts";
import { ProgramHost, type ProgramHostOptions } from "./host.ts";
import { inputOfJson, outputAsJson, valueOfJson } from "./json-boundary.ts";
import type { Manifest } from "./manifest.ts";
import { normaliseInput } from "./normalise-input.ts";
import { duplicateError } from "./read-capabilities.ts";
import { CapabilityRegistry } from "./registry.ts";
import { Security } from "./security.ts";

export interface MarketplaceOptions {
  /** Executes what needs a session. */
  readonly delegate: SessionDelegate;
  readonly events: Emitter<RuntimeEvents>;
  readonly clock: Clock;
  /** Keeps secrets out of errors. Default: one that knows the shapes of secrets only. */
  readonly redactor?: Redactor | undefined;
  /** For calls and manifests that say nothing else, in milliseconds, perhaps by manifest. Default 30,000. */
  readonly defaultTimeoutMs?: DefaultTimeout;
  /** Calls of one program in all. Default 100,000. */
  readonly maxCalls?: number | undefined;
  /** Capabilities whose code calls capabilities whose code … Default 32. */
  readonly maxNesting?: number | undefined;
}

export interface MarketplaceCallOptions extends CallOptions {
  /** Default: everything is allowed. */
  readonly security?: Security | undefined;
}

export interface CallResult extends CallOutcome {
  readonly durationMs: number;
}

/** What a call inherits from the code that makes it. */
export interface Surroundings {
  readonly security: Security;
  readonly budget: CallBudget;
  /** 0 for a call from outside or from a program. */
  readonly nesting: number;
  readonly parentId: string | undefined;
  /** Milliseconds left to whoever waits for this call. */
  readonly remainingMs: () => number;
}

/** A call under way. */
interface Running {
  readonly callId: string;
  readonly manifest: Manifest;
  readonly deadline: Deadline;
  readonly options: CallOptions;
  readonly around: Surroundings;
  /** Where its events go, if they are wanted. */
  readonly stream: CallStream | undefined;
}

const NOTHING_USED: CallReport = { session: null, attempts: 0 };

/**
 * Finds a capability by its id, checks what goes in and what comes out, and has it executed: here, or, where
 * its manifest asks for a session, by the delegate. It owns the overall deadline of every call.
 */
export class CapabilityMarketplace {
  readonly #options: MarketplaceOptions;
  readonly #registry: CapabilityRegistry;
  readonly #redactor: Redactor;
  readonly #manifests = new Map<string, Manifest>();

  constructor(options: MarketplaceOptions) {
    this.#options = options;
    this.#redactor = options.redactor ?? createRedactor();
    this.#registry = new CapabilityRegistry(options.clock);
  }

  /** Throws `invalid-argument` where the id is taken, or reserved for the runtime. */
  register(manifest: Manifest): void {
    if (manifest.id.startsWith("ccos.") && manifest.execution.kind !== "native") {
      throw new CcosError("invalid-argument", `The id ${JSON.stringify(manifest.id)} is reserved for the runtime.`);
    }
    const earlier = this.#manifests.get(manifest.id);
    if (earlier !== undefined) throw duplicateError(manifest, earlier);
    this.#manifests.set(manifest.id, manifest);
  }

  /** False for an unknown id. What the runtime provides stays. */
  remove(id: string): boolean {
    return !id.startsWith("ccos.") && this.#manifests.delete(id);
  }

  get(id: string): Manifest | undefined {
    return this.#manifests.get(id);
  }

  /** The capability of an id. Throws `not-found` with the ids that are near. */
  find(id: string): Manifest {
    const manifest = this.#manifests.get(id);
    if (manifest !== undefined) return manifest;
    if (typeof id !== "string") throw new CcosError("invalid-argument", "The id of a capability is a string.");
    const shown = JSON.stringify(id.length > 200 ? `${id.slice(0, 199)}…` : id);
    throw new CcosError("not-found", `There is no capability ${shown}.`, {
      remedy:
        didYouMean(id, this.#manifests.keys()) ||
        "ccos list shows those that are loaded; --capabilities names more files.",
    });
  }

  /** Sorted by id. A query finds its words in ids, names and descriptions, in any capitalisation. */
  list(query = ""): Manifest[] {
    const words = query
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "");
    return [...this.#manifests.values()]
      .filter((manifest) => {
        const text = `${manifest.id}\n${manifest.name}\n${manifest.description}`.toLowerCase();
        return words.every((word) => text.includes(word));
      })
      .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  }

  /** The flattened metadata of a capability; undefined for an unknown id. */
  getCapabilityMetadata(id: string): Readonly<Record<string, string>> | undefined {
    return this.#manifests.get(id)?.flatMetadata;
  }

  /**
   * Calls a capability with JSON. `undefined` stands for no input at all. Every error is a `CcosError`;
   * `reportOf` tells of the session it used and how often it was executed.
   */
  execute(id: string, input?: JsonValue, options: MarketplaceCallOptions = {}): Promise<CallResult> {
    return this.#call(id, options, this.#outermost(options), this.#withJson(input));
  }

  /**
   * The same for the events of the call. It begins when the first of them is asked for. Without `timeoutMs` it lasts
   * as long as it gives events; what gives a result and no events has its usual time.
   */
  stream(id: string, input?: JsonValue, options: MarketplaceCallOptions = {}): EventStream {
    const around = this.#outermost(options);
    return new CallStream((stream) => this.#call(id, options, around, this.#withJson(input), stream));
  }

  #withJson(input: JsonValue | undefined): (running: Running) => Promise<CallOutcome> {
    return (running) =>
      running.manifest.execution.kind === "provider"
        ? this.#executeByProvider(running, inputOfJson(running.manifest, input))
        : this.#executeHereWithJson(running, input);
  }

  /** Calls a capability with RTFS values, as a program does. */
  executeValues(id: string, args: readonly Value[], options: MarketplaceCallOptions = {}): Promise<Value> {
    return this.callFromProgram(id, args, options, this.#outermost(options));
  }

  /** The same for code that is itself being executed. */
  async callFromProgram(
    id: string,
    args: readonly Value[],
    options: CallOptions,
    around: Surroundings,
  ): Promise<Value> {
    let value: Value = null;
    await this.#call(id, options, around, async (running) => {
      const { manifest } = running;
      if (manifest.execution.kind === "provider") {
        const input = toJson(normaliseInput(id, manifest.inputSchema, args));
        const outcome = await this.#executeByProvider(running, input);
        value = valueOfJson(outcome.value);
        return outcome;
      }
      value = await this.#executeHere(running, args);
      return { value: null, ...NOTHING_USED };
    });
    return value;
  }

  /** The events of a call that code makes, while it is being executed, of a capability that a provider executes. */
  streamFromProgram(id: string, args: readonly Value[], options: CallOptions, around: Surroundings): EventStream {
    return new CallStream((stream) =>
      this.#call(
        id,
        options,
        around,
        (running) => this.#executeByProvider(running, toJson(normaliseInput(id, running.manifest.inputSchema, args))),
        stream,
      ),
    );
  }

  /** The world as one program sees it: its calls come here, within the limits given. */
  createHost(options: ProgramHostOptions = {}): Host {
    return new ProgramHost(this, { ...this.#outermost(options), remainingMs: options.remainingMs ?? forever }, options);
  }

  #outermost(options: {
    readonly security?: Security | undefined;
    readonly maxCalls?: number | undefined;
  }): Surroundings {
    return {
      security: options.security ?? Security.FULL,
      budget: new CallBudget(options.maxCalls ?? this.#options.maxCalls ?? 100_000),
      nesting: 0,
      parentId: undefined,
      remainingMs: forever,
    };
  }

  /** What holds for every call: events, permission, deadline, and the report of a failure. */
  async #call(
    id: string,
    options: CallOptions,
    around: Surroundings,
    perform: (running: Running) => Promise<CallOutcome>,
    stream?: CallStream,
  ): Promise<CallResult> {
    const record = recordCall(this.#options, {
      capabilityId: id,
      parentId: around.parentId,
      caller: options.caller?.id,
    });
    try {
      around.budget.spend(id);
      around.security.checkId(id);
      const manifest = this.find(id);
      around.security.checkEffects(manifest);
      this.#checkNesting(id, around);
      const resultTimeoutMs = timeoutMsOf(manifest, options, this.#options.defaultTimeoutMs);
      const timeoutMs = stream === undefined ? resultTimeoutMs : streamTimeoutMsOf(manifest, options, resultTimeoutMs);
      using deadline = this.#deadline(manifest, timeoutMs, options, around);
      if (deadline.signal.aborted) throw toCcosError(deadline.signal.reason);
      stream?.runs({ abort: (reason) => deadline.abort(reason), resultTimeoutMs });
      const outcome = await perform({ callId: record.callId, manifest, deadline, options, around, stream });
      return { ...outcome, durationMs: record.ended(outcome, undefined, eventsOf(outcome, stream)) };
    } catch (thrown) {
      if (stream?.left === true) {
        const outcome: CallOutcome = { ...reportOf(thrown), value: null, hasResult: false };
        return { ...outcome, durationMs: record.ended(outcome, undefined, stream.report.events) };
      }
      // A copy, because one reason may have ended several calls, and each has a report of its own.
      const error = redactError(toCcosError(thrown), this.#redactor);
      const report = reportOf(thrown);
      attachReport(error, report);
      record.ended(report, error, stream?.report.events);
      throw error;
    }
  }

  #checkNesting(id: string, around: Surroundings): void {
    const most = this.#options.maxNesting ?? 32;
    if (around.nesting <= most) return;
    throw new CcosError(
      "eval-error",
      `Capabilities call each other more than ${most} levels deep, last ${JSON.stringify(id)}.`,
      {
        remedy: "Look for a capability whose code calls itself, directly or by way of others.",
        details: { kind: "StackOverflow" },
      },
    );
  }

  /** Never more than whoever makes the call has left. */
  #deadline(manifest: Manifest, timeoutMs: number, options: CallOptions, around: Surroundings): Deadline {
    return startDeadline(
      this.#options.clock,
      Math.min(timeoutMs, around.remainingMs()),
      options.signal,
      () => `The call of ${JSON.stringify(manifest.id)}`,
    );
  }

  async #executeByProvider(running: Running, input: JsonValue): Promise<CallOutcome> {
    const { callId, manifest, deadline, options, stream } = running;
    checkInputJson(manifest, input);
    const outcome = await this.#options.delegate.executeWithSession(manifest, input, {
      callId,
      signal: deadline.signal,
      remainingMs: () => deadline.remainingMs(),
      caller: options.caller,
      idempotent: options.idempotent,
      policies: options,
      abort: (reason) => deadline.abort(reason),
      events: stream,
    });
    // What the schema describes is the result; a stream may end without one.
    if (outcome.hasResult === false) return outcome;
    try {
      checkOutputJson(manifest, outcome.value);
    } catch (error) {
      attachReport(error as object, { session: outcome.session, attempts: outcome.attempts });
      throw error;
    }
    return outcome;
  }

  async #executeHereWithJson(running: Running, input: JsonValue | undefined): Promise<CallOutcome> {
    const { manifest } = running;
    let args: Value[];
    if (manifest.execution.kind === "native") args = input === undefined ? [] : [valueOfJson(input)];
    else {
      // JSON is checked as JSON: there 3.0 is an integer, and a keyword is a text.
      const json = inputOfJson(manifest, input);
      checkInputJson(manifest, json);
      args = [valueOfJson(json)];
    }
    const value = outputAsJson(manifest, await this.#runHere(running, args, () => args[0] ?? null));
    checkOutputJson(manifest, value);
    return { value, ...NOTHING_USED };
  }

  async #executeHere(running: Running, args: readonly Value[]): Promise<Value> {
    const { manifest } = running;
    let input: Value = null;
    if (manifest.execution.kind !== "native") {
      input = normaliseInput(manifest.id, manifest.inputSchema, args);
      checkInputValue(manifest, input);
    }
    const value = await this.#runHere(running, args, () => input);
    checkOutputValue(manifest, value);
    return value;
  }

  #runHere(
    { callId, manifest, deadline, options, around }: Running,
    args: readonly Value[],
    input: () => Value,
  ): Promise<Value> {
    return this.#registry.execute(manifest, {
      args,
      input,
      signal: deadline.signal,
      remainingMs: () => deadline.remainingMs(),
      caller: options.caller?.id,
      host: () =>
        new ProgramHost(
          this,
          {
            security: around.security.forCodeOf(manifest),
            budget: around.budget,
            nesting: around.nesting + 1,
            parentId: callId,
            remainingMs: () => deadline.remainingMs(),
          },
          { signal: deadline.signal, caller: options.caller },
        ),
    });
  }
}

/** Events that were handed out, and the result that will be. */
function eventsOf({ hasResult }: CallOutcome, stream: CallStream | undefined): number | undefined {
  return stream === undefined ? undefined : stream.report.events + (hasResult === false ? 0 : 1);
}

function forever(): number {
  return Number.POSITIVE_INFINITY;
}

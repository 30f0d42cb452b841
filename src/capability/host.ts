import type { JsonValue } from "../kernel/index.ts";
import { keyword, RtfsMap, type Host, type HostEvents, type Value } from "../rtfs/index.ts";
import type { Caller, CallOptions, EventStream } from "./call.ts";
import { valueOfJson } from "./json-boundary.ts";
import type { CapabilityMarketplace, Surroundings } from "./marketplace.ts";
import type { Security } from "./security.ts";

export interface ProgramHostOptions {
  /** What the program may call. Default: everything. */
  readonly security?: Security | undefined;
  readonly caller?: Caller | undefined;
  /** Aborts every call of the program. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds the program has left; bounds every call. Default: no limit but each call's own. */
  readonly remainingMs?: (() => number) | undefined;
  /** Calls in all, nested ones included. Default that of the marketplace. */
  readonly maxCalls?: number | undefined;
  /** Values that `@name` and `(get :name)` find. */
  readonly context?: ReadonlyMap<string, Value> | undefined;
  /** Told when a step starts, completes or fails. */
  readonly onStep?: Host["step"] | undefined;
}

/** Names a program may set in its context. */
const MOST_CONTEXT_VALUES = 10_000;

/** The host of one program, or of the code of one capability: its calls go to the marketplace. */
export class ProgramHost implements Host {
  readonly #marketplace: CapabilityMarketplace;
  readonly #around: Surroundings;
  readonly #options: ProgramHostOptions;
  readonly #context: Map<string, Value>;
  readonly step: Host["step"];

  constructor(marketplace: CapabilityMarketplace, around: Surroundings, options: ProgramHostOptions) {
    this.#marketplace = marketplace;
    this.#around = around;
    this.#options = options;
    this.#context = new Map(options.context);
    this.step = options.onStep;
  }

  call(id: string, args: readonly Value[], hints: ReadonlyMap<string, Value>): Promise<Value> {
    return this.#marketplace.callFromProgram(id, args, this.#callOptions(hints), this.#around);
  }

  stream(id: string, args: readonly Value[], hints: ReadonlyMap<string, Value>): HostEvents {
    const options = this.#callOptions(hints);
    const manifest = this.#marketplace.get(id);
    return manifest === undefined || manifest.execution.kind === "provider"
      ? eventsOf(this.#marketplace.streamFromProgram(id, args, options, this.#around))
      : resultAlone(() => this.#marketplace.callFromProgram(id, args, options, this.#around));
  }

  #callOptions(hints: ReadonlyMap<string, Value>): CallOptions {
    const { signal, caller } = this.#options;
    const timeout = hints.get("runtime.timeout");
    const idempotent = hints.get("runtime.idempotent");
    return {
      signal,
      caller,
      timeoutMs: typeof timeout === "number" ? timeout : undefined,
      idempotent: typeof idempotent === "boolean" ? idempotent : undefined,
    };
  }

  context(name: string): Value | undefined {
    return this.#context.get(name);
  }

  setContext(name: string, value: Value): void {
    if (this.#context.size < MOST_CONTEXT_VALUES || this.#context.has(name)) this.#context.set(name, value);
  }
}

function eventsOf(stream: EventStream): HostEvents {
  return {
    async next() {
      const { value } = await stream.next();
      return value === undefined ? undefined : valueOfJson(value as unknown as JsonValue);
    },
    leave: () => stream.return(),
  };
}

/** What runs here has no events but its result, which may be any value of the language. */
function resultAlone(call: () => Promise<Value>): HostEvents {
  let isOver = false;
  return {
    async next() {
      if (isOver) return undefined;
      isOver = true;
      return RtfsMap.of([
        [keyword("type"), "result"],
        [keyword("value"), await call()],
      ]);
    },
    leave: () => Promise.resolve(),
  };
}

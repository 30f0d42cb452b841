import type { Host, Value } from "../rtfs/index.ts";
import type { Caller } from "./call.ts";
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
    const { signal, caller } = this.#options;
    const timeout = hints.get("runtime.timeout");
    const idempotent = hints.get("runtime.idempotent");
    return this.#marketplace.callFromProgram(
      id,
      args,
      {
        signal,
        caller,
        timeoutMs: typeof timeout === "number" ? timeout : undefined,
        idempotent: typeof idempotent === "boolean" ? idempotent : undefined,
      },
      this.#around,
    );
  }

  context(name: string): Value | undefined {
    return this.#context.get(name);
  }

  setContext(name: string, value: Value): void {
    if (this.#context.size < MOST_CONTEXT_VALUES || this.#context.has(name)) this.#context.set(name, value);
  }
}

import type { Clock } from "../kernel/index.ts";
import { untilAborted } from "../kernel/index.ts";
import type { Host, Value } from "../rtfs/index.ts";
import type { Execution, Manifest } from "./manifest.ts";
import { runImplementation } from "./run-implementation.ts";

/** A call that is executed here. */
export interface LocalCall {
  readonly args: readonly Value[];
  /** The arguments as one input, for code; computed only where it is needed. */
  readonly input: () => Value;
  readonly signal: AbortSignal;
  readonly remainingMs: () => number;
  readonly caller: string | undefined;
  /** What the capability's own code may call. */
  readonly host: () => Host;
}

/** Executes what needs no session: functions of the host, and code of capability files. */
export class CapabilityRegistry {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether a capability is executed here. */
  executes(manifest: Manifest): boolean {
    return manifest.execution.kind !== "provider";
  }

  async execute(manifest: Manifest, call: LocalCall): Promise<Value> {
    const execution: Execution = manifest.execution;
    switch (execution.kind) {
      case "native": {
        const result = execution.run(call.args, { signal: call.signal, caller: call.caller });
        return isPromise(result) ? await untilAborted(result, call.signal) : result;
      }
      case "implementation":
        return runImplementation(execution.form, call.input(), {
          host: call.host(),
          signal: call.signal,
          remainingMs: call.remainingMs(),
          clock: this.#clock,
        });
      default:
        return null;
    }
  }
}

function isPromise(value: Value | Promise<Value>): value is Promise<Value> {
  return typeof value === "object" && value !== null && typeof (value as Partial<Promise<Value>>).then === "function";
}

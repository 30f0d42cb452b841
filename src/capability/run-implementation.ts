import type { Clock } from "../kernel/index.ts";
import { callFunction, compile, RtfsFunction, type Form, type Host, type Program, type Value } from "../rtfs/index.ts";
import { preludeBindings } from "./prelude.ts";

export interface ImplementationRun {
  readonly host: Host;
  readonly signal: AbortSignal;
  readonly remainingMs: number;
  readonly clock: Clock;
}

// Analysed once; every run has variables of its own.
const programs = new WeakMap<Form, Program>();

/** The code of a capability, analysed. Throws `read-error` where a form has a wrong shape. */
export function compileImplementation(form: Form): Program {
  let program = programs.get(form);
  if (program === undefined) programs.set(form, (program = compile([form])));
  return program;
}

/**
 * Runs the code of a capability: a function is called with the input, any other form is evaluated with
 * `input` bound to it.
 */
export async function runImplementation(form: Form, input: Value, run: ImplementationRun): Promise<Value> {
  const options = {
    host: run.host,
    signal: run.signal,
    clock: run.clock,
    // The signal ends the run at the deadline; this is for a clock that stands still.
    limits: { timeoutMs: run.remainingMs + 1_000 },
  };
  const bindings = new Map([...preludeBindings(), ["input", input]]);
  const value = await compileImplementation(form).run({ ...options, bindings });
  if (!(value instanceof RtfsFunction)) return value;
  return callFunction(value, takesNothing(form) ? [] : [input], options);
}

/** `(fn [] …)`: code that needs no input. */
function takesNothing(form: Form): boolean {
  if (form.kind !== "list") return false;
  const parameters = form.items.find((item) => item.kind === "vector");
  return (
    parameters?.kind === "vector" &&
    parameters.items.length === 0 &&
    form.items[0]?.kind === "symbol" &&
    form.items[0].name === "fn"
  );
}

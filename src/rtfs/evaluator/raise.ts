import type { Form } from "../forms.ts";
import { typeName } from "../kinds.ts";
import { RtfsError, type Value } from "../values.ts";
import { vm } from "./machine.ts";

/** The names of section "errors" of the language: what `(:type e)` gives. */
export type ErrorKind =
  | "TypeError"
  | "UndefinedSymbol"
  | "ArityMismatch"
  | "DivisionByZero"
  | "IntegerOverflow"
  | "IndexOutOfBounds"
  | "KeyNotFound"
  | "MatchError"
  | "TypeValidationError"
  | "InvalidArgument"
  | "JsonError"
  | "IoError"
  | "NetworkError"
  | "ModuleNotFound"
  | "UnknownCapability"
  | "SecurityViolation"
  | "BudgetExhausted"
  | "ResourceError"
  | "ApplicationError"
  | "NotImplemented"
  | "NotCallable"
  | "StackOverflow"
  | "Generic";

/** How many calls an error tells of. */
const MOST_SITES = 20;

/**
 * An error value on its way to a `catch`, with where it arose. Not an `Error`: programs raise often, and a
 * JavaScript stack is dear and of no use to their authors.
 */
export class Raised {
  readonly error: RtfsError;
  readonly form: Form | undefined;
  /** The forms of the calls it arose in, innermost first. */
  readonly calls: readonly Form[];

  constructor(error: RtfsError, form: Form | undefined) {
    this.error = error;
    this.form = form;
    this.calls = callSites();
  }
}

/** The forms of the calls in progress, innermost first, at most 20. */
export function callSites(): Form[] {
  const calls: Form[] = [];
  for (let depth = vm.depth; depth > 0 && calls.length < MOST_SITES; depth--) {
    const site = vm.sites[depth];
    if (site !== undefined) calls.push(site);
  }
  return calls;
}

/** Raises an error that a program can catch; without a form, at the library function being called. */
export function raise(kind: ErrorKind, message: string, form: Form | undefined = vm.at, data: Value = null): never {
  throw new Raised(new RtfsError(message, kind, data), form);
}

export function raiseTypeError(operation: string, expected: string, got: Value, form?: Form): never {
  return raise("TypeError", `Type error in ${operation}: expected ${expected}, got ${describe(got)}`, form ?? vm.at);
}

export function raiseArity(name: string, expected: string, got: number, form?: Form): never {
  return raise("ArityMismatch", `Arity mismatch in ${name}: expected ${expected}, got ${got}`, form ?? vm.at);
}

/** `2`, `2 to 3` or `at least 2`. */
export function arityText(min: number, max: number): string {
  if (min === max) return String(min);
  return max === Number.POSITIVE_INFINITY ? `at least ${min}` : `${min} to ${max}`;
}

/** The kind of a value, with the value where it is short; never a long text, which may be a secret. */
function describe(value: Value): string {
  if (value === null) return "nil";
  const kind = typeName(value);
  return typeof value === "number" || typeof value === "boolean" ? `${kind} ${String(value)}` : kind;
}

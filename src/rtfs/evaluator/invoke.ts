import { effort } from "../effort.ts";
import type { Form } from "../forms.ts";
import { Keyword, RtfsError, RtfsMap, type Value } from "../values.ts";
import { Builtin, Closure, type Code } from "./functions.ts";
import { interrupt } from "./interrupt.ts";
import { resumeWith, SUSPEND, suspend, vm, type Frame } from "./machine.ts";
import { arityText, raiseArity, raiseTypeError } from "./raise.ts";

// Calls of one to three plain arguments are written out: they are where evaluation spends its time.

export function call0(fn: Value, form: Form | undefined): Value {
  if (fn instanceof Closure && fn.code.plain === 0) {
    const { code } = fn;
    if (--vm.fuel < 0 || vm.depth >= vm.maxDepth || vm.weight + code.weight > vm.ceiling) {
      return callWithCare(fn, [], form);
    }
    vm.sites[++vm.depth] = form;
    vm.weight += code.weight;
    const frame: Frame = [fn.frame, fn.frame[1]];
    return finish(code, code.body(code.extra === 0 ? frame : extended(frame, code.extra)));
  }
  return apply(fn, [], form);
}

export function call1(fn: Value, a: Value, form: Form | undefined): Value {
  if (fn instanceof Closure && fn.code.plain === 1) {
    const { code } = fn;
    if (--vm.fuel < 0 || vm.depth >= vm.maxDepth || vm.weight + code.weight > vm.ceiling) {
      return callWithCare(fn, [a], form);
    }
    vm.sites[++vm.depth] = form;
    vm.weight += code.weight;
    const { frame: outer } = fn;
    let frame: Frame;
    // Literals of the right length: growing an array afterwards would cost more than the call.
    switch (code.extra) {
      case 0:
        frame = [outer, outer[1], a];
        break;
      case 1:
        frame = [outer, outer[1], a, undefined];
        break;
      case 2:
        frame = [outer, outer[1], a, undefined, undefined];
        break;
      default:
        frame = extended([outer, outer[1], a, undefined, undefined, undefined], code.extra - 3);
    }
    const value = code.body(frame);
    if (value === SUSPEND) return returnLater(code);
    vm.depth--;
    vm.weight -= code.weight;
    return value;
  }
  if (fn instanceof Keyword) return lookup(a, fn, null, form);
  return apply(fn, [a], form);
}

export function call2(fn: Value, a: Value, b: Value, form: Form | undefined): Value {
  if (fn instanceof Closure && fn.code.plain === 2) {
    const { code } = fn;
    if (--vm.fuel < 0 || vm.depth >= vm.maxDepth || vm.weight + code.weight > vm.ceiling) {
      return callWithCare(fn, [a, b], form);
    }
    vm.sites[++vm.depth] = form;
    vm.weight += code.weight;
    const { frame: outer } = fn;
    let frame: Frame;
    switch (code.extra) {
      case 0:
        frame = [outer, outer[1], a, b];
        break;
      case 1:
        frame = [outer, outer[1], a, b, undefined];
        break;
      case 2:
        frame = [outer, outer[1], a, b, undefined, undefined];
        break;
      default:
        frame = extended([outer, outer[1], a, b, undefined, undefined, undefined], code.extra - 3);
    }
    const value = code.body(frame);
    if (value === SUSPEND) return returnLater(code);
    vm.depth--;
    vm.weight -= code.weight;
    return value;
  }
  return apply(fn, [a, b], form);
}

export function call3(fn: Value, a: Value, b: Value, c: Value, form: Form | undefined): Value {
  if (fn instanceof Closure && fn.code.plain === 3) {
    const { code } = fn;
    if (--vm.fuel < 0 || vm.depth >= vm.maxDepth || vm.weight + code.weight > vm.ceiling) {
      return callWithCare(fn, [a, b, c], form);
    }
    vm.sites[++vm.depth] = form;
    vm.weight += code.weight;
    const frame: Frame = [fn.frame, fn.frame[1], a, b, c];
    return finish(code, code.body(code.extra === 0 ? frame : extended(frame, code.extra)));
  }
  return apply(fn, [a, b, c], form);
}

/** Calls anything with any arguments. */
export function apply(fn: Value, args: readonly Value[], form: Form | undefined): Value {
  if (fn instanceof Closure) {
    if (--vm.fuel < 0 || vm.depth >= vm.maxDepth || vm.weight + fn.code.weight > vm.ceiling) {
      return callWithCare(fn, args, form);
    }
    return enter(fn, args, form);
  }
  if (fn instanceof Builtin) {
    if (args.length < fn.min || args.length > fn.max) {
      return raiseArity(fn.name, arityText(fn.min, fn.max), args.length, form);
    }
    vm.at = form;
    return fn.fn(...args);
  }
  if (fn instanceof Keyword) {
    const [target, fallback] = args;
    if (target === undefined || args.length > 2) return raiseArity(`:${fn.name}`, "1 to 2", args.length, form);
    return lookup(target, fn, fallback ?? null, form);
  }
  return raiseTypeError("function call", "function", fn, form);
}

/** `(:key target default)`: in maps and errors; nil has nothing. */
export function lookup(target: Value, key: Keyword, fallback: Value, form: Form | undefined): Value {
  if (target instanceof RtfsMap) return target.get(key) ?? (target.has(key) ? null : fallback);
  if (target === null) return fallback;
  if (target instanceof RtfsError) return errorField(target, key.name) ?? fallback;
  return raiseTypeError(`:${key.name}`, "map", target, form);
}

/** What `(:message e)` and the like give of an error value; undefined for anything else. */
export function errorField(error: RtfsError, name: string): Value | undefined {
  return error.fields().get(name);
}

/** A call at a limit, or after a slice of steps: asks the run, then goes on here or on an empty stack. */
function callWithCare(fn: Closure, args: readonly Value[], form: Form | undefined): Value {
  const start = (): Value => enter(fn, args, form);
  if (vm.fuel < 0 && vm.run?.refuel(form)) return suspend({ kind: "yield", start });
  if (vm.depth >= vm.maxDepth) {
    throw interrupt("maxDepth", `The program nests calls deeper than ${vm.maxDepth} levels.`, form, "StackOverflow");
  }
  if (vm.weight + fn.code.weight > vm.ceiling) return suspend({ kind: "continue", start });
  return start();
}

function enter(fn: Closure, args: readonly Value[], form: Form | undefined): Value {
  const { code } = fn;
  const count = args.length;
  if (count < code.required || (count > code.required && !code.variadic)) {
    return raiseArity(
      code.name ?? "fn",
      code.variadic ? `at least ${code.required}` : String(code.required),
      count,
      form ?? vm.at,
    );
  }
  vm.sites[++vm.depth] = form;
  vm.weight += code.weight;
  const frame: Frame = [fn.frame, fn.frame[1]];
  if (code.bind === undefined) {
    for (const arg of args) frame.push(arg);
    extended(frame, code.extra);
  } else {
    extended(frame, code.extra);
    code.bind(frame, args);
  }
  return finish(code, code.body(frame));
}

function finish(code: Code, value: Value): Value {
  if (value === SUSPEND) return returnLater(code);
  vm.depth--;
  vm.weight -= code.weight;
  if (code.check !== undefined) code.check(value);
  return value;
}

/** Leaves the call when its suspended body has a value. */
function returnLater(code: Code): Value {
  return resumeWith((value) => finish(code, value));
}

function extended(frame: Frame, count: number): Frame {
  for (let index = 0; index < count; index++) frame.push(undefined);
  return frame;
}

/** Raises where a value that should be a function (or a keyword, which looks itself up) is none. */
export function checkCallable(operation: string, fn: Value): void {
  if (!(fn instanceof Closure || fn instanceof Builtin || fn instanceof Keyword)) {
    raiseTypeError(operation, "function", fn);
  }
}

/** One step of a loop that calls no function. True: yield to the event loop before going on. */
export function step(form: Form | undefined): boolean {
  return --vm.fuel < 0 && vm.run?.refuel(form) === true;
}

/**
 * Pays for work of a library function in steps, and looks at the limits where those handed out are used up.
 * Lets nobody else run: the next call of a program's function does, when the slice of time is over.
 */
export function charge(steps: number): void {
  if (vm.run === undefined) return;
  vm.fuel -= steps;
  if (vm.fuel < 0 && vm.run.refuel(vm.at)) vm.run.handBack();
}

effort.spend = charge;

/** Refuses a collection (or string) that grows beyond the limit, and counts large ones as steps. */
export function checkSize(size: number): void {
  if (size > vm.maxCollectionSize) {
    throw interrupt(
      "maxCollectionSize",
      `The program builds a collection of more than ${vm.maxCollectionSize} items.`,
      vm.at,
    );
  }
  // Copying an item takes about a fiftieth of a step's time.
  charge(size >>> 6);
}

/** The same for a string, whose characters cost even less. */
export function checkLength(length: number): void {
  if (length > vm.maxCollectionSize) checkSize(length);
  charge(length >>> 10);
}

import type { Builtin } from "../evaluator/functions.ts";
import { apply, call0, call1, call2, call3 } from "../evaluator/invoke.ts";
import { evaluateAll, evaluateRest, SUSPEND, vm, type Frame, type Node } from "../evaluator/machine.ts";
import { arityText, raiseArity } from "../evaluator/raise.ts";
import type { Form, FormOf } from "../forms.ts";
import { findBuiltin } from "../library/index.ts";
import type { Value } from "../values.ts";
import { inlineBinary, inlineUnary } from "./inline.ts";
import type { Scope } from "./scope.ts";
import { nodeOfName } from "./symbols.ts";

/** A list whose head is neither special form nor macro: evaluate all from left to right, and call. */
export function analyzeCall(form: FormOf<"list"> | FormOf<"short-fn">, scope: Scope): Node {
  const [headForm, ...argForms] = form.items as readonly [Form, ...Form[]];
  const args = argForms.map((arg) => scope.analyze(arg));
  if (headForm.kind !== "symbol") return callNode(scope.analyze(headForm), args, form);
  // `(.getMessage e)` is the same as `(getMessage e)`.
  const name = methodName(headForm.name);
  const head = nodeOfName(name, scope, headForm);
  const isGlobal = scope.find(name) === undefined;
  const index = scope.unit.names.index(scope.globalName(name));
  const builtin = isGlobal ? findBuiltin(scope.globalName(name)) : undefined;
  if (isGlobal && builtin === undefined) return globalCallNode(index, head, args, form);
  const general = callNode(head, args, form);
  if (builtin === undefined) return general;
  return builtinNode(builtin, index, args, general, form);
}

function methodName(name: string): string {
  return name.length > 1 && name.startsWith(".") ? name.slice(1) : name;
}

/** A call of whatever the head turns out to be. */
function callNode(head: Node, args: readonly Node[], form: Form): Node {
  const nodes = [head, ...args];
  const applyAll = ([fn, ...values]: Value[]): Value => apply(fn as Value, values, form);
  const [first, second, third] = args;
  if (first === undefined) {
    return (frame) => {
      const fn = head(frame);
      return fn === SUSPEND ? evaluateRest(nodes, frame, [], applyAll) : call0(fn, form);
    };
  }
  if (second === undefined) {
    return (frame) => {
      const fn = head(frame);
      if (fn === SUSPEND) return evaluateRest(nodes, frame, [], applyAll);
      const a = first(frame);
      if (a === SUSPEND) return evaluateRest(nodes, frame, [fn], applyAll);
      return call1(fn, a, form);
    };
  }
  if (third === undefined) {
    return (frame) => {
      const fn = head(frame);
      if (fn === SUSPEND) return evaluateRest(nodes, frame, [], applyAll);
      const a = first(frame);
      if (a === SUSPEND) return evaluateRest(nodes, frame, [fn], applyAll);
      const b = second(frame);
      if (b === SUSPEND) return evaluateRest(nodes, frame, [fn, a], applyAll);
      return call2(fn, a, b, form);
    };
  }
  if (args.length === 3) {
    return (frame) => {
      const fn = head(frame);
      if (fn === SUSPEND) return evaluateRest(nodes, frame, [], applyAll);
      const a = first(frame);
      if (a === SUSPEND) return evaluateRest(nodes, frame, [fn], applyAll);
      const b = second(frame);
      if (b === SUSPEND) return evaluateRest(nodes, frame, [fn, a], applyAll);
      const c = third(frame);
      if (c === SUSPEND) return evaluateRest(nodes, frame, [fn, a, b], applyAll);
      return call3(fn, a, b, c, form);
    };
  }
  return (frame) => evaluateAll(nodes, frame, [], applyAll);
}

/** A call of a global by its name; `head` is asked only where it is not defined (yet). */
function globalCallNode(index: number, head: Node, args: readonly Node[], form: Form): Node {
  const [first, second] = args;
  const general = callNode(head, args, form);
  if (first === undefined || args.length > 2) return general;
  const nodes = [head, ...args];
  const applyAll = ([fn, ...values]: Value[]): Value => apply(fn as Value, values, form);
  if (second === undefined) {
    return (frame) => {
      const fn = frame[1][index];
      if (fn === undefined) return general(frame);
      const a = first(frame);
      if (a === SUSPEND) return evaluateRest(nodes, frame, [fn], applyAll);
      return call1(fn, a, form);
    };
  }
  return (frame) => {
    const fn = frame[1][index];
    if (fn === undefined) return general(frame);
    const a = first(frame);
    if (a === SUSPEND) return evaluateRest(nodes, frame, [fn], applyAll);
    const b = second(frame);
    if (b === SUSPEND) return evaluateRest(nodes, frame, [fn, a], applyAll);
    return call2(fn, a, b, form);
  };
}

/**
 * A call of a library function by its name: nothing is looked up or checked again, as long as no global
 * of that name has been defined; else the general call.
 */
function builtinNode(builtin: Builtin, index: number, args: readonly Node[], general: Node, form: Form): Node {
  if (args.length < builtin.min || args.length > builtin.max) {
    const expected = arityText(builtin.min, builtin.max);
    const refuse = (): never => raiseArity(builtin.name, expected, args.length, form);
    return guarded(index, general, (frame) => evaluateAll(args, frame, [], refuse));
  }
  const [first, second, third] = args;
  const { fn } = builtin;
  const applyAll = (values: Value[]): Value => {
    vm.at = form;
    return fn(...values);
  };
  if (first === undefined || args.length > 3) {
    return guarded(index, general, (frame) => evaluateAll(args, frame, [], applyAll));
  }
  if (second === undefined) {
    const inline = inlineUnary(builtin, index, first, general, form);
    if (inline !== undefined) return inline;
    return (frame) => {
      if (frame[1][index] !== undefined) return general(frame);
      const a = first(frame);
      if (a === SUSPEND) return evaluateRest(args, frame, [], applyAll);
      vm.at = form;
      return fn(a);
    };
  }
  if (third === undefined) {
    const inline = inlineBinary(builtin, index, first, second, general, form);
    if (inline !== undefined) return inline;
    return (frame) => {
      if (frame[1][index] !== undefined) return general(frame);
      const a = first(frame);
      if (a === SUSPEND) return evaluateRest(args, frame, [], applyAll);
      const b = second(frame);
      if (b === SUSPEND) return evaluateRest(args, frame, [a], applyAll);
      vm.at = form;
      return fn(a, b);
    };
  }
  return (frame) => {
    if (frame[1][index] !== undefined) return general(frame);
    const a = first(frame);
    if (a === SUSPEND) return evaluateRest(args, frame, [], applyAll);
    const b = second(frame);
    if (b === SUSPEND) return evaluateRest(args, frame, [a], applyAll);
    const c = third(frame);
    if (c === SUSPEND) return evaluateRest(args, frame, [a, b], applyAll);
    vm.at = form;
    return fn(a, b, c);
  };
}

function guarded(index: number, general: Node, direct: Node): Node {
  return (frame: Frame) => (frame[1][index] !== undefined ? general(frame) : direct(frame));
}

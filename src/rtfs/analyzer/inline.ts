import type { Builtin } from "../evaluator/functions.ts";
import { evaluateRest, SUSPEND, vm, type Frame, type Node } from "../evaluator/machine.ts";
import type { Form } from "../forms.ts";
import type { Value } from "../values.ts";

// The operations that programs do most, on the operands they mostly have: small integers. Everything else
// (floats, overflow, wrong kinds) is left to the library function. Each is written out, because one
// shared closure would be called with ever other operators and never be compiled well.

const LARGEST = Number.MAX_SAFE_INTEGER;

type Fast = (builtin: Builtin, index: number, left: Node, right: Node, general: Node, form: Form) => Node;

/** The rest of a binary call, once an operand has suspended or is no small integer. */
function slowly(builtin: Builtin, a: Value, b: Value, form: Form): Value {
  vm.at = form;
  return builtin.fn(a, b);
}

function afterLeft(builtin: Builtin, left: Node, right: Node, frame: Frame, form: Form): Value {
  return evaluateRest([left, right], frame, [], ([a, b]) => slowly(builtin, a as Value, b as Value, form));
}

function afterRight(builtin: Builtin, left: Node, right: Node, frame: Frame, a: Value, form: Form): Value {
  return evaluateRest([left, right], frame, [a], ([x, b]) => slowly(builtin, x as Value, b as Value, form));
}

const BINARY: ReadonlyMap<string, Fast> = new Map<string, Fast>([
  [
    "+",
    (builtin, index, left, right, general, form) => (frame) => {
      if (frame[1][index] !== undefined) return general(frame);
      const a = left(frame);
      if (a === SUSPEND) return afterLeft(builtin, left, right, frame, form);
      const b = right(frame);
      if (b === SUSPEND) return afterRight(builtin, left, right, frame, a, form);
      if (typeof a === "number" && typeof b === "number") {
        const result = a + b;
        if (result <= LARGEST && result >= -LARGEST) return result;
      }
      return slowly(builtin, a, b, form);
    },
  ],
  [
    "-",
    (builtin, index, left, right, general, form) => (frame) => {
      if (frame[1][index] !== undefined) return general(frame);
      const a = left(frame);
      if (a === SUSPEND) return afterLeft(builtin, left, right, frame, form);
      const b = right(frame);
      if (b === SUSPEND) return afterRight(builtin, left, right, frame, a, form);
      if (typeof a === "number" && typeof b === "number") {
        const result = a - b;
        if (result <= LARGEST && result >= -LARGEST) return result;
      }
      return slowly(builtin, a, b, form);
    },
  ],
  [
    "*",
    (builtin, index, left, right, general, form) => (frame) => {
      if (frame[1][index] !== undefined) return general(frame);
      const a = left(frame);
      if (a === SUSPEND) return afterLeft(builtin, left, right, frame, form);
      const b = right(frame);
      if (b === SUSPEND) return afterRight(builtin, left, right, frame, a, form);
      if (typeof a === "number" && typeof b === "number") {
        const result = a * b;
        // Adding 0 turns negative zero into zero: integers have one.
        if (result <= LARGEST && result >= -LARGEST) return result + 0;
      }
      return slowly(builtin, a, b, form);
    },
  ],
  [
    "<",
    (builtin, index, left, right, general, form) => (frame) => {
      if (frame[1][index] !== undefined) return general(frame);
      const a = left(frame);
      if (a === SUSPEND) return afterLeft(builtin, left, right, frame, form);
      const b = right(frame);
      if (b === SUSPEND) return afterRight(builtin, left, right, frame, a, form);
      return typeof a === "number" && typeof b === "number" ? a < b : slowly(builtin, a, b, form);
    },
  ],
  [
    ">",
    (builtin, index, left, right, general, form) => (frame) => {
      if (frame[1][index] !== undefined) return general(frame);
      const a = left(frame);
      if (a === SUSPEND) return afterLeft(builtin, left, right, frame, form);
      const b = right(frame);
      if (b === SUSPEND) return afterRight(builtin, left, right, frame, a, form);
      return typeof a === "number" && typeof b === "number" ? a > b : slowly(builtin, a, b, form);
    },
  ],
  [
    "<=",
    (builtin, index, left, right, general, form) => (frame) => {
      if (frame[1][index] !== undefined) return general(frame);
      const a = left(frame);
      if (a === SUSPEND) return afterLeft(builtin, left, right, frame, form);
      const b = right(frame);
      if (b === SUSPEND) return afterRight(builtin, left, right, frame, a, form);
      return typeof a === "number" && typeof b === "number" ? a <= b : slowly(builtin, a, b, form);
    },
  ],
  [
    ">=",
    (builtin, index, left, right, general, form) => (frame) => {
      if (frame[1][index] !== undefined) return general(frame);
      const a = left(frame);
      if (a === SUSPEND) return afterLeft(builtin, left, right, frame, form);
      const b = right(frame);
      if (b === SUSPEND) return afterRight(builtin, left, right, frame, a, form);
      return typeof a === "number" && typeof b === "number" ? a >= b : slowly(builtin, a, b, form);
    },
  ],
  [
    "=",
    (builtin, index, left, right, general, form) => (frame) => {
      if (frame[1][index] !== undefined) return general(frame);
      const a = left(frame);
      if (a === SUSPEND) return afterLeft(builtin, left, right, frame, form);
      const b = right(frame);
      if (b === SUSPEND) return afterRight(builtin, left, right, frame, a, form);
      if (a === b) return true;
      return typeof a === "number" && typeof b === "number" ? false : slowly(builtin, a, b, form);
    },
  ],
]);

export function inlineBinary(
  builtin: Builtin,
  index: number,
  left: Node,
  right: Node,
  general: Node,
  form: Form,
): Node | undefined {
  return BINARY.get(builtin.name)?.(builtin, index, left, right, general, form);
}

/** `inc` and `dec`, as additions. */
export function inlineUnary(
  builtin: Builtin,
  index: number,
  operand: Node,
  general: Node,
  form: Form,
): Node | undefined {
  const change = builtin.name === "inc" ? 1 : builtin.name === "dec" ? -1 : 0;
  if (change === 0) return undefined;
  const slow = (a: Value): Value => {
    vm.at = form;
    return builtin.fn(a);
  };
  return (frame) => {
    if (frame[1][index] !== undefined) return general(frame);
    const a = operand(frame);
    if (a === SUSPEND) return evaluateRest([operand], frame, [], ([value]) => slow(value as Value));
    if (typeof a === "number" && a < LARGEST && a > -LARGEST) return a + change;
    return slow(a);
  };
}

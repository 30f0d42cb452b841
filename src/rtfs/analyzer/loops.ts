import { checkSize, step } from "../evaluator/invoke.ts";
import { evaluateAll, resumeWith, SUSPEND, suspend, type Frame, type Node } from "../evaluator/machine.ts";
import { raiseTypeError } from "../evaluator/raise.ts";
import type { Form, FormOf } from "../forms.ts";
import { List, Vector, vector, type Value } from "../values.ts";
import { checkBindable } from "./patterns.ts";
import { isSymbol, syntaxError, type Scope } from "./scope.ts";
import { analyzeBody, rest } from "./sequence.ts";

/** A body that runs repeatedly, each time in a frame of its own. */
export interface RepeatedBody {
  readonly node: Node;
  /** A fresh frame; the first slots hold these values. */
  readonly frame: (outer: Frame, values: readonly Value[]) => Frame;
}

/** Analyses a body whose frames begin with slots for these names. */
export function repeatedBody(scope: Scope, names: readonly string[], analyzeIn: (inner: Scope) => Node): RepeatedBody {
  const inner = scope.frame();
  for (const name of names) inner.declare(name);
  inner.names.delete("_");
  const node = analyzeIn(inner);
  const { fn } = inner;
  // Unlike a function's, this body runs on top of the nodes around it.
  scope.fn.deepest = Math.max(scope.fn.deepest, scope.fn.nesting + fn.deepest + 1);
  return {
    node,
    frame(outer, values) {
      const frame: Frame = [outer, outer[1], ...values];
      for (let index = values.length; index < fn.slots; index++) frame.push(undefined);
      return frame;
    },
  };
}

/** `(for [x coll y coll2 …] body…)`: a vector of the values for every combination, the last varying fastest. */
export function analyzeFor(form: FormOf<"list">, scope: Scope): Node {
  const [bindings, ...body] = rest(form);
  if (bindings?.kind !== "vector" || bindings.items.length % 2 !== 0 || body.length === 0) {
    throw syntaxError(form, "for needs pairs of a name and a collection, and a body.", "(for [x coll …] body)");
  }
  const names: string[] = [];
  const collections: Node[] = [];
  for (let at = 0; at < bindings.items.length; at += 2) {
    const name = bindings.items[at] as Form;
    if (!isSymbol(name)) throw syntaxError(name, "for binds names only; take items apart with let.", "a name");
    checkBindable(name);
    names.push(name.name);
    collections.push(scope.analyze(bindings.items[at + 1] as Form));
  }
  const repeated = repeatedBody(scope, names, (inner) => analyzeBody(body, inner));
  return (frame) =>
    evaluateAll(collections, frame, [], (values) =>
      iterate(
        values.map((value) => checkSequence(value, form)),
        frame,
        repeated,
        form,
      ),
    );
}

function checkSequence(value: Value, form: Form): Vector | List {
  if (value instanceof Vector || value instanceof List) return value;
  return raiseTypeError("for", "vector", value, form);
}

function iterate(sequences: readonly (Vector | List)[], outer: Frame, body: RepeatedBody, form: Form): Value {
  const out: Value[] = [];
  const indexes: number[] = sequences.map(() => 0);
  let done = sequences.some((sequence) => sequence.length === 0);

  const advance = (): void => {
    for (let level = indexes.length - 1; level >= 0; level--) {
      const next = (indexes[level] as number) + 1;
      if (next < (sequences[level] as Vector).length) {
        indexes[level] = next;
        return;
      }
      indexes[level] = 0;
    }
    done = true;
  };
  const take = (value: Value): void => {
    out.push(value);
    if ((out.length & 1023) === 0) checkSize(out.length);
    advance();
  };
  const run = (): Value => {
    while (!done) {
      if (step(form)) return suspend({ kind: "yield", start: once });
      const value = once1();
      if (value === SUSPEND) return later();
      take(value);
    }
    return vector(out);
  };
  const once1 = (): Value => {
    const values = sequences.map((sequence, level) => sequence.at(indexes[level] as number));
    return body.node(body.frame(outer, values));
  };
  const later = (): Value =>
    resumeWith((value) => {
      take(value);
      return run();
    });
  const once = (): Value => {
    const value = once1();
    if (value === SUSPEND) return later();
    take(value);
    return run();
  };
  return run();
}

/** `(dotimes [i n] body…)` */
export function analyzeDotimes(form: FormOf<"list">, scope: Scope): Node {
  const [bindings, ...body] = rest(form);
  const name = bindings?.kind === "vector" && bindings.items.length === 2 ? bindings.items[0] : undefined;
  if (bindings?.kind !== "vector" || !isSymbol(name)) {
    throw syntaxError(form, "dotimes needs a name and a count.", "(dotimes [i n] body)");
  }
  checkBindable(name);
  const count = scope.analyze(bindings.items[1] as Form);
  const repeated = repeatedBody(scope, [name.name], (inner) => analyzeBody(body, inner));
  const repeat = (frame: Frame, times: Value): Value => {
    if (typeof times !== "number") return raiseTypeError("dotimes", "integer", times, form);
    return runTimes(frame, repeated, times, form);
  };
  return (frame) => {
    const times = count(frame);
    return times === SUSPEND ? resumeWith((late) => repeat(frame, late)) : repeat(frame, times);
  };
}

function runTimes(frame: Frame, body: RepeatedBody, times: number, form: Form): Value {
  const from = (start: number, before: Value, stepped: boolean): Value => {
    let result = before;
    let free = stepped;
    for (let index = start; index < times; index++) {
      if (!free && step(form)) {
        const reached = index;
        const held = result;
        return suspend({ kind: "yield", start: () => from(reached, held, true) });
      }
      free = false;
      result = body.node(body.frame(frame, [index]));
      if (result === SUSPEND) return resumeWith((value) => from(index + 1, value, false));
    }
    return result;
  };
  return from(0, null, false);
}

import { step as countStep } from "../evaluator/invoke.ts";
import { evaluateAll, resumeWith, SUSPEND, suspend, vm, type Frame, type Node } from "../evaluator/machine.ts";
import { raise } from "../evaluator/raise.ts";
import type { Form, FormOf } from "../forms.ts";
import { mapKey } from "../form-values.ts";
import { Float, Keyword, List, RtfsMap, Vector, vector, type MapKey, type Value } from "../values.ts";
import { ifNode } from "./control.ts";
import { repeatedBody } from "./loops.ts";
import { syntaxError, type Scope } from "./scope.ts";
import { analyzeBody, constant, rest } from "./sequence.ts";

const MOST_ITERATIONS = 10_000;
const OPTIONS: ReadonlySet<string> = new Set(["expose-context", "context-keys", "params", "merge-policy"]);

/** `(step :info …)` is a call of the logging function; with anything else first it is the form. */
export function isStepForm(form: FormOf<"list">): boolean {
  return form.items[1]?.kind !== "keyword";
}

/** `(step "name" options… body…)` */
export function analyzeStep(form: FormOf<"list">, scope: Scope): Node {
  const [name, ...items] = rest(form);
  if (name?.kind !== "string") throw syntaxError(name ?? form, "A step needs a name.", '(step "name" body)');
  const { params, body } = takeOptions(items);
  const inner = scope.block();
  const paramsNode = params === undefined ? undefined : analyzeParams(params, scope);
  const slot = params === undefined ? undefined : inner.declare("%params").slot;
  const bodyNode = analyzeBody(body, inner);
  const run = told(name.value, bodyNode);
  if (paramsNode === undefined || slot === undefined) return run;
  return (frame) => {
    const start = (value: Value): Value => {
      frame[slot] = value;
      return run(frame);
    };
    const value = paramsNode(frame);
    return value === SUSPEND ? resumeWith(start) : start(value);
  };
}

interface StepOptions {
  readonly params: FormOf<"map"> | undefined;
  readonly body: readonly Form[];
}

/** Options come before the body; what they say of the context is the host's affair. */
function takeOptions(items: readonly Form[]): StepOptions {
  let params: FormOf<"map"> | undefined;
  let at = 0;
  for (
    let key = items[at];
    key?.kind === "keyword" && OPTIONS.has(key.name) && at + 1 < items.length;
    key = items[at]
  ) {
    const value = items[at + 1] as Form;
    if (key.name === "params") {
      if (value.kind !== "map") throw syntaxError(value, ":params takes a map.", '{"key" value}');
      params = value;
    }
    at += 2;
  }
  return { params, body: items.slice(at) };
}

function analyzeParams(form: FormOf<"map">, scope: Scope): Node {
  const keys = form.entries.map(([key]) => {
    const value = mapKey(key);
    return value instanceof Keyword ? value.name : String(value);
  });
  const nodes = form.entries.map(([, value]) => scope.analyze(value));
  return (frame) =>
    evaluateAll(nodes, frame, [], (values) => {
      const entries = new Map<MapKey, Value>(keys.map((key, index) => [key, values[index] as Value]));
      return new RtfsMap(entries);
    });
}

/** Evaluates, and tells the host of the start and of the outcome. */
function told(name: string, node: Node): Node {
  return (frame) => {
    const tell = (phase: "started" | "completed" | "failed"): void => {
      vm.run?.settings.host?.step?.({ phase, name });
    };
    const complete = (value: Value): Value => {
      tell("completed");
      return value;
    };
    const failWith = (error: unknown): never => {
      tell("failed");
      throw error;
    };
    tell("started");
    let value: Value;
    try {
      value = node(frame);
    } catch (error) {
      return failWith(error);
    }
    return value === SUSPEND ? resumeWith({ resume: complete, fail: failWith }) : complete(value);
  };
}

/** Steps count zero and empty values as false, unlike everything else. */
function isStepTrue(value: Value): boolean {
  if (value === null || value === false || value === 0 || value === "") return false;
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof Vector || value instanceof List) return value.length > 0;
  return !(value instanceof RtfsMap) || value.size > 0;
}

function stepCondition(node: Node): Node {
  return (frame) => {
    const value = node(frame);
    return value === SUSPEND ? resumeWith(isStepTrue) : isStepTrue(value);
  };
}

/** `(step-if options… condition then else?)` */
export function analyzeStepIf(form: FormOf<"list">, scope: Scope): Node {
  const [test, then, otherwise, extra] = takeOptions(rest(form)).body;
  if (test === undefined || then === undefined || extra !== undefined) {
    throw syntaxError(form, "step-if has a condition and one or two forms.", "(step-if condition then else)");
  }
  const otherwiseNode = otherwise === undefined ? constant(null) : scope.analyze(otherwise);
  return told("step-if", ifNode(stepCondition(scope.analyze(test)), scope.analyze(then), otherwiseNode));
}

/** `(step-loop options… condition body)` */
export function analyzeStepLoop(form: FormOf<"list">, scope: Scope): Node {
  const [test, ...body] = takeOptions(rest(form)).body;
  if (test === undefined || body.length === 0) {
    throw syntaxError(form, "step-loop has a condition and a body.", "(step-loop condition body)");
  }
  const condition = repeatedBody(scope, [], (inner) => stepCondition(inner.analyze(test)));
  const repeated = repeatedBody(scope, [], (inner) => analyzeBody(body, inner));
  return told("step-loop", (frame) =>
    runLoop(frame, condition.node, condition.frame, repeated.node, repeated.frame, form),
  );
}

type MakeFrame = (outer: Frame, values: readonly Value[]) => Frame;

function runLoop(outer: Frame, test: Node, testFrame: MakeFrame, body: Node, bodyFrame: MakeFrame, form: Form): Value {
  let iterations = 0;
  let result: Value = null;
  /** Undefined: another round. */
  const afterTest = (holds: Value): Value | undefined => {
    if (holds === false) return result;
    if (++iterations > MOST_ITERATIONS) {
      return raise("Generic", `Runtime error: step-loop exceeded ${MOST_ITERATIONS} iterations`, form);
    }
    const value = body(bodyFrame(outer, []));
    if (value === SUSPEND) {
      return resumeWith((late) => {
        result = late;
        return run();
      });
    }
    result = value;
    return undefined;
  };
  const run = (): Value => {
    for (;;) {
      if (countStep(form)) return suspend({ kind: "yield", start: run });
      const holds = test(testFrame(outer, []));
      if (holds === SUSPEND) {
        return resumeWith((late) => {
          const value = afterTest(late);
          return value === undefined ? run() : value;
        });
      }
      const value = afterTest(holds);
      if (value !== undefined) return value;
    }
  };
  return run();
}

/** `(step-parallel options… branch…)` */
export function analyzeStepParallel(form: FormOf<"list">, scope: Scope): Node {
  const nodes = takeOptions(rest(form)).body.map((item) => scope.analyze(item));
  return told("step-parallel", (frame) => evaluateAll(nodes, frame, [], vector));
}

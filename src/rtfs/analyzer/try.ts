import type { CcosError } from "../../kernel/index.ts";
import { isCcosError } from "../../kernel/index.ts";
import { failureOutside } from "../evaluator/failures.ts";
import { resumeWith, SUSPEND, vm, type Frame, type Node } from "../evaluator/machine.ts";
import { Raised } from "../evaluator/raise.ts";
import type { Form, FormOf } from "../forms.ts";
import type { RtfsError, Value } from "../values.ts";
import { bindSlot, checkBindable, type Binder } from "./patterns.ts";
import { isNamed, isSymbol, syntaxError, type Scope } from "./scope.ts";
import { analyzeBody, rest, sequence } from "./sequence.ts";

interface CatchClause {
  readonly selects: (error: RtfsError) => boolean;
  readonly bind: Binder | undefined;
  readonly body: Node;
}

/** `(try body… (catch Pattern? name body…)… (finally …)?)` */
export function analyzeTry(form: FormOf<"list">, scope: Scope): Node {
  const bodyForms: Form[] = [];
  const clauses: CatchClause[] = [];
  let last: Node | undefined;
  for (const item of rest(form)) {
    if (isClause(item, "finally")) {
      if (last !== undefined) throw syntaxError(item, "A try has one finally.", ")");
      last = analyzeBody(rest(item), scope.block());
    } else if (last !== undefined) throw syntaxError(item, "Nothing may follow finally.", ")");
    else if (isClause(item, "catch")) clauses.push(analyzeCatch(item, scope));
    else if (clauses.length > 0)
      throw syntaxError(item, "The body of a try comes before its catch.", "(catch …) or (finally …)");
    else bodyForms.push(item);
  }
  if (clauses.length === 0 && last === undefined) {
    throw syntaxError(form, "This try has neither catch nor finally.", "(try body (catch e …))");
  }
  return tryNode(sequence(bodyForms.map((item) => scope.analyze(item))), clauses, last);
}

function isClause(form: Form, name: string): form is FormOf<"list"> {
  return form.kind === "list" && isNamed(form.items[0], name);
}

function analyzeCatch(form: FormOf<"list">, scope: Scope): CatchClause {
  const items = rest(form);
  const [first, second] = items;
  const hasPattern = items.length > 2 && (isSymbol(first) || first?.kind === "keyword") && isSymbol(second);
  const name = hasPattern ? second : first;
  const body = items.slice(hasPattern ? 2 : 1);
  if (!isSymbol(name) || body.length === 0) {
    throw syntaxError(form, "A catch names the error and has a body.", "(catch e body) or (catch Kind e body)");
  }
  checkBindable(name);
  const inner = scope.block();
  const bind = name.name === "_" ? undefined : bindSlot(inner.declare(name.name));
  return { selects: hasPattern ? selector(first as Form) : () => true, bind, body: analyzeBody(body, inner) };
}

const CATCH_ALL: ReadonlySet<string> = new Set(["_", "Exception", "Error"]);

/** Kinds that a group name stands for where catch selects by kind. */
const GROUPS: ReadonlyMap<string, (error: RtfsError) => boolean> = new Map([
  ["HostError", (error: RtfsError) => isCcosError(error.cause)],
  ["ValidationError", (error: RtfsError) => error.type === "TypeValidationError"],
  ["RuntimeError", (error: RtfsError) => !isCcosError(error.cause) && error.type !== "TypeValidationError"],
]);

function selector(pattern: Form): (error: RtfsError) => boolean {
  if (pattern.kind === "keyword") {
    const { name } = pattern;
    // The code of a host's failure says more than its kind, so it may be named too.
    return (error) => error.type === name || (isCcosError(error.cause) && error.cause.code === name);
  }
  const { name } = pattern as FormOf<"symbol">;
  const bySelection = GROUPS.get(name) ?? ((error: RtfsError) => error.type === name);
  return (error) => CATCH_ALL.has(name) || vm.run?.settings.strictCatch !== true || bySelection(error);
}

function tryNode(body: Node, clauses: readonly CatchClause[], last: Node | undefined): Node {
  return (frame) => {
    const { depth, weight, hints } = vm;
    const restore = (): void => {
      vm.depth = depth;
      vm.weight = weight;
      vm.hints = hints;
    };

    const succeed = (value: Value): Value => {
      if (last === undefined) return value;
      return last(frame) === SUSPEND ? resumeWith(() => value) : value;
    };

    const giveUp = (failure: unknown): Value => {
      restore();
      if (last === undefined) throw failure;
      if (!(failure instanceof Raised)) allowCleanup(failure);
      if (last(frame) === SUSPEND) {
        return resumeWith(() => {
          throw failure;
        });
      }
      throw failure;
    };

    const fail = (failure: unknown): Value => {
      restore();
      const clause = failure instanceof Raised ? clauses.find(({ selects }) => selects(failure.error)) : undefined;
      if (clause === undefined) return giveUp(failure);
      return attempt(() => runClause(clause, frame, (failure as Raised).error), succeed, giveUp);
    };

    return attempt(() => body(frame), succeed, fail);
  };
}

function runClause(clause: CatchClause, frame: Frame, error: RtfsError): Value {
  clause.bind?.(frame, error);
  return clause.body(frame);
}

/** Evaluates with a way on for either outcome, now or, if evaluation suspends, later. */
function attempt(start: () => Value, succeed: (value: Value) => Value, fail: (error: unknown) => Value): Value {
  let value: Value;
  try {
    value = start();
  } catch (error) {
    return fail(error);
  }
  return value === SUSPEND ? resumeWith({ resume: succeed, fail }) : succeed(value);
}

/** A run that was interrupted or canceled has nothing left; its `finally` forms get a little. */
function allowCleanup(failure: unknown): void {
  const error: CcosError = failureOutside(failure);
  if (error.code === "interrupted" || error.code === "canceled" || error.code === "deadline-exceeded")
    vm.run?.grantGrace();
}

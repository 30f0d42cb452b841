import { raise } from "../evaluator/raise.ts";
import type { Form } from "../forms.ts";
import { checkType, describeProblem, isOptionalMark, isTypeName, parseAnnotationType } from "../types/index.ts";
import type { Value } from "../values.ts";
import { isNamed, syntaxError } from "./scope.ts";

/** Refuses a value that is not of the declared type. */
export type TypeCheck = (value: Value) => void;

/** A type written after a pattern, a parameter or a name, and where reading goes on. */
export interface Annotation {
  readonly check: TypeCheck;
  readonly next: number;
}

/**
 * The annotation at `items[at]`, if it is unmistakable: `x : T`, or `x:T` without a space.
 * `before` is the form it belongs to.
 */
export function readAnnotation(items: readonly Form[], at: number, before: Form, what: string): Annotation | undefined {
  const item = items[at];
  if (item === undefined) return undefined;
  if (isNamed(item, ":")) {
    const type = items[at + 1];
    if (type === undefined)
      throw syntaxError(item, "A colon announces a type, and none follows.", "a type such as Int");
    return annotationOf(items, type, at + 2, what);
  }
  if (item.kind === "keyword" && item.start === before.end) return annotationOf(items, item, at + 1, what);
  return undefined;
}

/** The annotation at `items[at]` where a keyword by itself is one too. */
export function readLooseAnnotation(
  items: readonly Form[],
  at: number,
  before: Form,
  what: string,
): Annotation | undefined {
  const sure = readAnnotation(items, at, before, what);
  if (sure !== undefined) return sure;
  const item = items[at];
  return item?.kind === "keyword" ? annotationOf(items, item, at + 1, what) : undefined;
}

export function annotationOf(items: readonly Form[], type: Form, next: number, what: string): Annotation {
  const mark = items[next];
  if (!isOptionalMark(mark)) return { check: makeCheck(type, what), next };
  const head: Form = { kind: "keyword", source: type.source, start: type.start, end: type.start, name: "optional" };
  const optional: Form = { ...type, kind: "vector", end: (mark as Form).end, items: [head, type] } as Form;
  return { check: makeCheck(optional, what), next: next + 1 };
}

/** Whether a keyword by itself may be a type: it names a known one. */
export function isTypeKeyword(form: Form | undefined): form is Extract<Form, { kind: "keyword" }> {
  return form?.kind === "keyword" && isTypeName(form.name);
}

function makeCheck(form: Form, what: string): TypeCheck {
  const { type, problems } = parseAnnotationType(form);
  const error = problems.find((problem) => problem.severity === "error");
  if (error !== undefined) {
    // The program may never come here, so it is no mistake of reading.
    return () => raise("TypeValidationError", `The type of ${what} is not valid: ${error.message}`, form);
  }
  return (value) => {
    const [problem] = checkType(type, value);
    if (problem !== undefined) {
      raise("TypeValidationError", `${describeProblem(problem)} (in ${what})`, form);
    }
  };
}

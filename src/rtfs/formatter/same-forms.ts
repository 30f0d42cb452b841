import type { Form } from "../forms.ts";

/**
 * Whether two texts were read to the same forms: the same values, and a type stands without a space after
 * its name (`x:int`, which says more than `x :int`) in both or in neither. Where they stand is of no matter.
 */
export function sameForms(a: readonly Form[], b: readonly Form[]): boolean {
  const todo: [readonly Form[], readonly Form[], map: boolean][] = [[a, b, false]];
  for (let pair = todo.pop(); pair !== undefined; pair = todo.pop()) {
    const [left, right, map] = pair;
    if (left.length !== right.length) return false;
    for (let at = 0; at < left.length; at++) {
      const [one, other] = [left[at] as Form, right[at] as Form];
      if (shallow(one) !== shallow(other)) return false;
      if (!map && typeFollows(left, at) !== typeFollows(right, at)) return false;
      const [inOne, inOther] = [parts(one), parts(other)];
      if (inOne.length + inOther.length > 0) todo.push([inOne, inOther, one.kind === "map"]);
    }
  }
  return true;
}

function typeFollows(forms: readonly Form[], at: number): boolean {
  const [before, form] = [forms[at - 1], forms[at]];
  const binds =
    before?.kind === "symbol" || before?.kind === "vector" || before?.kind === "map" || before?.kind === "annotated";
  return binds && form?.kind === "keyword" && form.start === before.end;
}

/** Kind and text of a form without what it holds. */
function shallow(form: Form): string {
  switch (form.kind) {
    case "keyword":
    case "symbol":
    case "context-ref":
      return `${form.kind} ${form.name}`;
    case "string":
    case "boolean":
    case "integer":
      return `${form.kind} ${String(form.value)}`;
    case "float":
      return `float ${Object.is(form.value.value, -0) ? "-0" : form.value.value}`;
    case "text-literal":
      return `${form.literal} ${form.value}`;
    default:
      return form.kind;
  }
}

function parts(form: Form): readonly Form[] {
  switch (form.kind) {
    case "list":
    case "vector":
    case "short-fn":
      return form.items;
    case "map":
      return form.entries.flat();
    case "annotated":
      return [form.annotation, form.form];
    case "quote":
    case "quasiquote":
    case "unquote":
    case "unquote-splicing":
      return [form.form];
    default:
      return [];
  }
}

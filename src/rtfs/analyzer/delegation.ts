import type { Code } from "../evaluator/functions.ts";
import { callHost } from "../evaluator/host-call.ts";
import type { Node } from "../evaluator/machine.ts";
import type { Form } from "../forms.ts";
import { List, type Value } from "../values.ts";
import type { Delegation } from "./annotated.ts";

/** The body of a function marked `:local-model` or `:remote`: a call of that model with the arguments. */
export function delegatedBody(delegation: Delegation, form: Form, code: Code): Node {
  const id = `model-call:${delegation.model}`;
  code.plain = -1;
  // The arguments need no names: they go to the model as they are.
  code.bind = (frame, args) => {
    frame[2] = new List([...args]);
  };
  return (frame) => callHost(id, (frame[2] as List).toArray() as Value[], form);
}

import type { ErrorPlace } from "../../kernel/index.ts";
import type { Form } from "../forms.ts";

/** A call in progress when an error arose. */
export interface TraceEntry extends ErrorPlace {
  /** What was called, as the source names it. */
  readonly name: string;
}

/** The calls as an error tells of them, innermost first. */
export function traceOf(calls: readonly Form[]): TraceEntry[] {
  return calls.map((form) => ({ name: calledName(form), ...form.source.place(form.start) }));
}

function calledName(form: Form): string {
  const head = form.kind === "list" || form.kind === "short-fn" ? form.items[0] : form;
  return head?.kind === "symbol" ? head.name : head?.kind === "keyword" ? `:${head.name}` : "fn";
}

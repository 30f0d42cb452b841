import type { ErrorPlace } from "../../kernel/index.ts";
import type { Form } from "../forms.ts";

export type LintCode = "unknown-name" | "unused-binding" | "unreachable-clause" | "wrong-arity" | "type";

/** What is probably a mistake in a program, although it can be evaluated. */
export interface LintWarning {
  readonly code: LintCode;
  readonly message: string;
  readonly place: ErrorPlace;
}

export function warningAt(form: Form, code: LintCode, message: string): LintWarning {
  return { code, message, place: form.source.place(form.start) };
}

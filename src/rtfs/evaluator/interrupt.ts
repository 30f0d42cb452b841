import { CcosError } from "../../kernel/index.ts";
import type { Form } from "../forms.ts";
import type { Limits } from "../host.ts";
import { callSites, type ErrorKind } from "./raise.ts";
import { traceOf } from "./trace.ts";

/** The end of a run at one of its limits: an error that no program can catch. */
export function interrupt(limit: keyof Limits, message: string, form: Form | undefined, kind?: ErrorKind): CcosError {
  return new CcosError("interrupted", message, {
    place: form?.source.place(form.start),
    remedy: `Make the program smaller, or raise the limit ${limit}.`,
    details: { limit, ...(kind !== undefined && { kind }), stack: traceOf(callSites()) },
  });
}

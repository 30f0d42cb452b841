import { isCcosError, type CcosError, type ErrorPlace, type JsonValue } from "../kernel/index.ts";
import type { Form, Value } from "../rtfs/index.ts";
import { fileError, type Declaration, type Field } from "./capability-forms.ts";
import { isPlainData, jsonOfForm, jsonOfValue } from "./data-of-form.ts";
import type { ProviderKnowledge } from "./provider-block.ts";

export interface ReadWarning {
  readonly code:
    | "missing-description"
    | "no-execution"
    | "unknown-type"
    | "provider"
    | "unknown-key"
    | "missing-key"
    | "ignored";
  readonly message: string;
  readonly place: ErrorPlace | undefined;
}

export interface ManifestContext {
  readonly file: string | undefined;
  readonly trusted: boolean;
  readonly providers: ProviderKnowledge;
  /** Evaluates a form purely and within small limits. Only metadata that is no plain data needs it. */
  readonly evaluate: (form: Form) => Value;
}

const LONGEST_TEXT = 100_000;

/** The fields of one declaration, and what is found to be wrong with them. */
export class FieldReader {
  readonly form: Form;
  readonly fields: ReadonlyMap<string, Field>;
  readonly context: ManifestContext;
  readonly errors: CcosError[] = [];
  readonly warnings: ReadWarning[] = [];
  readonly #byName = new Map<string, Field>();

  constructor(declaration: Declaration, context: ManifestContext) {
    this.form = declaration.form;
    this.fields = declaration.fields;
    this.context = context;
    for (const [key, field] of declaration.fields) {
      const name = key.includes("_") ? key.replaceAll("_", "-") : key;
      if (name === key || !this.#byName.has(name)) this.#byName.set(name, field);
    }
  }

  /** By its name with hyphens, however the file spells it. */
  field(name: string): Field | undefined {
    return this.#byName.get(name);
  }

  error(form: Form, message: string, remedy?: string): void {
    this.errors.push(fileError(form, message, { remedy }));
  }

  warn(code: ReadWarning["code"], form: Form, message: string): void {
    this.warnings.push({ code, message, place: form.source.place(form.start) });
  }

  text(name: string): string | undefined {
    const field = this.field(name);
    if (field === undefined || field.form.kind === "nil") return undefined;
    const { form } = field;
    if (form.kind === "string" || form.kind === "text-literal") {
      if (form.value.length <= LONGEST_TEXT) return form.value;
      this.error(form, `The value of :${field.key} is longer than ${LONGEST_TEXT} characters.`);
      return undefined;
    }
    this.error(form, `The value of :${field.key} is a string.`);
    return undefined;
  }

  /** As JSON, without evaluating what stands for itself. */
  data(form: Form, what: string): JsonValue | undefined {
    const dropped = (part: string): void => this.warn("ignored", form, `${what} holds ${part}, which is left out.`);
    if (isPlainData(form)) return jsonOfForm(form, dropped);
    try {
      return jsonOfValue(this.context.evaluate(form), dropped);
    } catch (error) {
      const why = isCcosError(error) ? error.message : String(error);
      this.error(
        form,
        `${what} could not be evaluated: ${why}`,
        "Metadata is data; it may compute, but it calls nothing.",
      );
      return undefined;
    }
  }
}

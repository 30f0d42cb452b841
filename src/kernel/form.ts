import { getOwn, setOwn, type JsonObject, type JsonValue } from "./json.ts";

/** One thing a form asks for. */
export interface FormField {
  /** Its key in the answer. */
  readonly name: string;
  /** For people: one line. */
  readonly label: string;
  readonly description?: string | undefined;
  readonly required: boolean;
  /** `choice`: one of `choices`; `choices`: a list of them. */
  readonly type: "text" | "number" | "integer" | "boolean" | "choice" | "choices";
  readonly choices?: readonly FormChoice[] | undefined;
  /** Taken where the field is left out. */
  readonly default?: JsonValue | undefined;
  /** Of a number its value, of a text its length in characters, of `choices` how many. */
  readonly least?: number | undefined;
  readonly most?: number | undefined;
  /** What a text has to be. */
  readonly format?: "email" | "uri" | "date" | "date-time" | undefined;
}

export interface FormChoice {
  readonly value: string;
  readonly label: string;
}

export type FilledForm =
  | { readonly ok: true; readonly content: JsonObject }
  | { readonly ok: false; readonly problem: string };

/** An answer with defaults where fields were left out, or what is wrong with it. Fields nobody asked for are wrong. */
export function completeForm(fields: readonly FormField[], given: JsonObject): FilledForm {
  const content = Object.create(null) as JsonObject;
  for (const name of Object.keys(given)) {
    if (!fields.some((field) => field.name === name)) return wrong(`${JSON.stringify(name)} is no field of the form`);
  }
  for (const field of fields) {
    const value = getOwn(given, field.name) ?? field.default;
    if (value === undefined || value === null) {
      if (field.required) return wrong(`${JSON.stringify(field.name)} is needed`);
      continue;
    }
    const problem = fieldProblem(field, value);
    if (problem !== undefined) return wrong(`${JSON.stringify(field.name)} ${problem}`);
    setOwn(content, field.name, value);
  }
  return { ok: true, content };
}

const wrong = (problem: string): FilledForm => ({ ok: false, problem });

/** What is wrong with a value of a field, to be read after its name; undefined where nothing is. */
export function fieldProblem(field: FormField, value: JsonValue): string | undefined {
  switch (field.type) {
    case "boolean":
      return typeof value === "boolean" ? undefined : "is true or false";
    case "number":
    case "integer":
      if (typeof value !== "number" || !Number.isFinite(value)) return "is a number";
      if (field.type === "integer" && !Number.isInteger(value)) return "is a whole number";
      return outOf(field, value, "");
    case "choice":
      return isChoice(field, value) ? undefined : `is one of ${listed(field)}`;
    case "choices":
      if (!Array.isArray(value) || !value.every((item) => isChoice(field, item)))
        return `is a list of ${listed(field)}`;
      return outOf(field, value.length, " of them");
    case "text":
      if (typeof value !== "string") return "is a text";
      return outOf(field, characters(value), " characters") ?? malformed(field, value);
  }
}

/** Code points, as a schema counts them. */
function characters(text: string): number {
  return Array.from(text).length;
}

function isChoice({ choices = [] }: FormField, value: JsonValue): boolean {
  return choices.some((choice) => choice.value === value);
}

function listed({ choices = [] }: FormField): string {
  return choices.map(({ value }) => JSON.stringify(value)).join(", ");
}

function outOf({ least, most }: FormField, amount: number, unit: string): string | undefined {
  if (least !== undefined && amount < least) return `is at least ${least}${unit}`;
  if (most !== undefined && amount > most) return `is at most ${most}${unit}`;
  return undefined;
}

const DATE = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/;
const INSTANT = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;
const EMAIL = /^[^\s@]+@[^\s@]+$/;

function malformed({ format }: FormField, text: string): string | undefined {
  switch (format) {
    case "email":
      return EMAIL.test(text) ? undefined : "is an e-mail address";
    case "uri":
      return URL.canParse(text) ? undefined : "is an address such as https://example.com/";
    case "date":
      return DATE.test(text) && !Number.isNaN(Date.parse(text)) ? undefined : "is a date such as 2026-01-31";
    case "date-time":
      return INSTANT.test(text) && !Number.isNaN(Date.parse(text))
        ? undefined
        : "is an instant such as 2026-01-31T12:00:00Z";
    case undefined:
      return undefined;
  }
}

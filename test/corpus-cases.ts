import { readdirSync, readFileSync } from "node:fs";
import { formText, formToValue, print, readProgram, type Form } from "../src/rtfs/index.ts";

// A case is three forms: a program, `=>` and its value, or a program, `!!` and the kind (or code) of its
// error. `(text "…")` is a program given as text, for what does not read as one form.

export const folder = new URL("./corpus/", import.meta.url);
export const files = readdirSync(folder).filter((name) => name.endsWith(".rtfs"));

export interface Case {
  readonly program: string;
  readonly verb: string;
  readonly expected: Form;
  readonly line: number;
}

export function casesOf(file: string): Case[] {
  const forms = readProgram(readFileSync(new URL(file, folder), "utf8"), { file });
  const cases: Case[] = [];
  for (let index = 0; index < forms.length; index += 3) {
    const [form, verb, expected] = forms.slice(index, index + 3) as [Form, Form, Form];
    const { line } = form.source.place(form.start);
    if (verb?.kind !== "symbol" || (verb.name !== "=>" && verb.name !== "!!") || expected === undefined) {
      throw new Error(`${file}:${line} is no case`);
    }
    cases.push({ program: programOf(form), verb: verb.name, expected, line });
  }
  return cases;
}

function programOf(form: Form): string {
  if (form.kind === "list" && form.items[0]?.kind === "symbol" && form.items[0].name === "text") {
    const text = form.items[1];
    if (text?.kind === "string") return text.value;
  }
  return formText(form);
}

/** The value as printed, or `!!` and the kind (or code) of the error. */
export function expectedText({ verb, expected }: Case): string {
  return verb === "=>" ? print(formToValue(expected)) : `!! ${formText(expected)}`;
}

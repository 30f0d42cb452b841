import { describe, expect, it } from "vitest";
import { completeForm, fieldProblem, type FormField } from "./form.ts";

const field = (type: FormField["type"], rest: Partial<FormField> = {}): FormField => ({
  name: "x",
  label: "X",
  required: false,
  type,
  ...rest,
});
const animals = [
  { value: "cat", label: "Cat" },
  { value: "dog", label: "Dog" },
];

describe("a value of a field", () => {
  it.each<[FormField, unknown, string | undefined]>([
    [field("boolean"), true, undefined],
    [field("boolean"), "true", "is true or false"],
    [field("number", { least: 1, most: 2 }), 1.5, undefined],
    [field("number", { least: 1 }), 0, "is at least 1"],
    [field("number", { most: 2 }), 3, "is at most 2"],
    [field("number"), Number.NaN, "is a number"],
    [field("integer"), 1.5, "is a whole number"],
    [field("text", { least: 2 }), "😀", "is at least 2 characters"],
    [field("text", { format: "email" }), "a@b", undefined],
    [field("text", { format: "email" }), "a b@c", "is an e-mail address"],
    [field("text", { format: "uri" }), "nowhere", "is an address such as https://example.com/"],
    [field("text", { format: "date" }), "2026-02-31", undefined],
    [field("text", { format: "date" }), "2026-13-01", "is a date such as 2026-01-31"],
    [field("text", { format: "date-time" }), "2026-01-31", "is an instant such as 2026-01-31T12:00:00Z"],
    [field("choice", { choices: animals }), "cat", undefined],
    [field("choice", { choices: animals }), "cow", 'is one of "cat", "dog"'],
    [field("choices", { choices: animals, most: 1 }), ["cat", "dog"], "is at most 1 of them"],
    [field("choices", { choices: animals }), "cat", 'is a list of "cat", "dog"'],
  ])("%j holds %j: %j", (of, value, problem) => {
    expect(fieldProblem(of, value as never)).toBe(problem);
  });
});

describe("a filled form", () => {
  const fields = [field("text", { name: "a", required: true }), field("integer", { name: "b", default: 42 })];

  it("gets defaults where fields were left out", () => {
    expect(completeForm(fields, { a: "x" })).toEqual({ ok: true, content: { a: "x", b: 42 } });
  });

  it("is wrong without what is needed, with what nobody asked for, and with wrong values", () => {
    expect(completeForm(fields, {})).toEqual({ ok: false, problem: '"a" is needed' });
    expect(completeForm(fields, { a: "x", c: 1 })).toEqual({ ok: false, problem: '"c" is no field of the form' });
    expect(completeForm(fields, { a: "x", b: "y" })).toEqual({ ok: false, problem: '"b" is a number' });
  });

  it("takes a field of any name as data", () => {
    const odd = [field("text", { name: "__proto__" })];
    const given = JSON.parse('{"__proto__":"x"}') as never;
    expect(JSON.stringify(completeForm(odd, given))).toBe('{"ok":true,"content":{"__proto__":"x"}}');
  });
});

import { describe, expect, it } from "vitest";
import { completeForm, type FormField, type JsonObject } from "../../kernel/index.ts";
import { readQuestion } from "./questions.ts";
import { readForm } from "./read-form.ts";

const form = (properties: JsonObject, required: string[] = []): readonly FormField[] | string =>
  readForm({ type: "object", properties, required });

describe("a form that a server asks for", () => {
  it("has fields of every kind the protocol knows", () => {
    const fields = form(
      {
        name: { type: "string", title: "Name", description: "In\nfull", minLength: 1, maxLength: 9 },
        mail: { type: "string", format: "email" },
        odd: { type: "string", format: "ipv4" },
        age: { type: "integer", minimum: 0, maximum: 150, default: 7 },
        ratio: { type: "number" },
        sure: { type: "boolean", default: true },
        one: { type: "string", enum: ["a", "b"] },
        titled: { type: "string", oneOf: [{ const: "a", title: "A" }] },
        older: { type: "string", enum: ["a"], enumNames: ["A"] },
        some: { type: "array", minItems: 1, maxItems: 2, items: { type: "string", enum: ["a", "b"] } },
        any: { type: "array", items: { anyOf: [{ const: "a", title: "A" }] }, default: ["a"] },
      },
      ["name"],
    );
    expect(fields).toEqual([
      { name: "name", label: "Name", description: "In full", required: true, type: "text", least: 1, most: 9 },
      { name: "mail", label: "mail", required: false, type: "text", format: "email" },
      { name: "odd", label: "odd", required: false, type: "text" },
      { name: "age", label: "age", required: false, type: "integer", least: 0, most: 150, default: 7 },
      { name: "ratio", label: "ratio", required: false, type: "number" },
      { name: "sure", label: "sure", required: false, type: "boolean", default: true },
      {
        name: "one",
        label: "one",
        required: false,
        type: "choice",
        choices: [
          { value: "a", label: "a" },
          { value: "b", label: "b" },
        ],
      },
      { name: "titled", label: "titled", required: false, type: "choice", choices: [{ value: "a", label: "A" }] },
      { name: "older", label: "older", required: false, type: "choice", choices: [{ value: "a", label: "A" }] },
      {
        name: "some",
        label: "some",
        required: false,
        type: "choices",
        least: 1,
        most: 2,
        choices: [
          { value: "a", label: "a" },
          { value: "b", label: "b" },
        ],
      },
      {
        name: "any",
        label: "any",
        required: false,
        type: "choices",
        default: ["a"],
        choices: [{ value: "a", label: "A" }],
      },
    ]);
  });

  it("may be empty, and may have fields of any name", () => {
    expect(form({})).toEqual([]);
    const odd = readForm(JSON.parse('{"properties":{"__proto__":{"type":"string","default":"x"}}}') as JsonObject);
    expect(completeForm(odd as FormField[], {})).toEqual({
      ok: true,
      content: JSON.parse('{"__proto__":"x"}') as JsonObject,
    });
  });

  it("shows no control characters of the server's", () => {
    const [field] = form({ a: { type: "string", title: "\u001b[2JA\u202e", description: "b\u0007" } }) as FormField[];
    expect(field).toMatchObject({ label: "A", description: "b" });
  });

  it.each<[unknown, string]>([
    [undefined, "no fields"],
    [[], "no fields"],
    [{ properties: { a: 7 } }, 'the field "a" is not described'],
    [{ properties: { a: { type: "object" } } }, "of a type that no form has"],
    [{ properties: { a: { type: "array", items: {} } } }, "a list of anything"],
    [{ properties: { a: { enum: [1] } } }, "a choice that is no text"],
    [{ properties: { a: { enum: [] } } }, "has 0 choices"],
    [{ properties: { a: { enum: Array.from({ length: 1001 }, (_, at) => `${at}`) } } }, "has 1001 choices"],
    [
      { properties: Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`f${at}`, { type: "string" }])) },
      "more than 100 fields",
    ],
  ])("is refused as %j", (schema, problem) => {
    expect(readForm(schema as JsonObject)).toContain(problem);
  });
});

describe("a question", () => {
  it.each([
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https://user:pass@a.example/",
    "nowhere",
    7,
    `https://a/${"x".repeat(9_000)}`,
  ])("does not send people to %j", (url) => {
    expect(readQuestion({ mode: "url", message: "Go", url })).toMatchObject({ code: -32602 });
  });

  it("of a kind nobody knows is refused", () => {
    expect(readQuestion({ mode: "hologram", message: "Look" })).toMatchObject({ code: -32602 });
  });
});

import { describe, expect, test } from "vitest";
import { readOperation } from "./operation.ts";

const read = (block: Readonly<Record<string, string>>): ReturnType<typeof readOperation> =>
  readOperation("a.b", (key) => (Object.hasOwn(block, key) ? block[key] : undefined));

describe("what a capability runs", () => {
  test("is the only operation of its document, and what that is decides what kind it is", () => {
    const text = "mutation M { a } fragment F on T { b }";
    expect(read({ operation: text })).toEqual({ form: "document", text, name: "M", kind: "mutation" });
    expect(read({ operation: "{ a }", result_field: "a" })).toMatchObject({ kind: "query", resultField: "a" });
  });

  test("is the named one of several", () => {
    const text = "query A { a } subscription B { b }";
    expect(read({ operation: text, operation_name: "B" })).toMatchObject({ kind: "subscription", name: "B" });
    expect(() => read({ operation: text })).toThrow("several operations. It has A, B.");
    expect(() => read({ operation: text, operation_name: "C" })).toThrow('no operation "C". It has A, B.');
  });

  test("is a field of the schema, a query unless it says otherwise, and its value is the field's", () => {
    const common = { form: "field", selection: undefined, depth: 2 };
    expect(read({ field: "user" })).toEqual({ ...common, field: "user", kind: "query", resultField: "user" });
    const given = { field: "add", kind: ":mutation", depth: "3", selection: " id ", result_field: "x" };
    expect(read(given)).toMatchObject({ kind: "mutation", depth: 3, selection: "id", resultField: "x" });
  });

  test("is the field that its id ends with, where it says nothing", () => {
    expect(read({ kind: "mutation" })).toMatchObject({ form: "field", field: "b", kind: "mutation" });
    expect(() => readOperation("graphql.shop.order-2", () => undefined)).toThrow("names no operation");
  });

  test.each([
    [{ operation: "{ a }", field: "a" }, "both an operation and a field"],
    [{ operation: "fragment F on T { a }" }, "no operation."],
    [{ operation: "" }, "no operation."],
    [{ operation: "query { a }", kind: "mutation" }, "says that it is a mutation"],
    [{ operation: `{ ${"a { ".repeat(101)}` }, "nests more than"],
    [{ operation: " ".repeat(300_000) }, "characters"],
    [{ operation: "{ a }", operation_name: "../x" }, "no name that GraphQL allows"],
    [{ field: "a b" }, "no name that GraphQL allows"],
    [{ field: "a", depth: "0" }, ":depth"],
    [{ field: "a", depth: "11" }, ":depth"],
    [{ field: "a", kind: "query2" }, "unknown kind"],
    [{ field: "a", selection: `{ ${"a { ".repeat(101)}` }, ":selection"],
  ])("refuses %j", (block, message) => {
    expect(() => read(block)).toThrow(message);
  });
});

import { buildSchema, parse, type OperationDefinitionNode } from "graphql";
import { describe, expect, test } from "vitest";
import type { JsonValue } from "../../kernel/index.ts";
import { checkVariables, needsNoSchema, readVariables } from "./variables.ts";

const schema = buildSchema(`
  enum State { OPEN CLOSED }
  input Filter { state: State!, inner: Filter, labels: [String!] }
  input Choice @oneOf { a: Int, b: Int }
  scalar Date
  type Query { a(filter: Filter, choice: Choice, date: Date, id: ID, n: Int): Int }
`);

function operation(text: string): OperationDefinitionNode {
  return parse(text).definitions[0] as OperationDefinitionNode;
}

function check(declared: string, input: JsonValue, by: typeof schema | null = schema): unknown {
  return checkVariables(readVariables(operation(`query (${declared}) { a }`), by ?? undefined), input, "a.b");
}

describe("variables", () => {
  test.each<[string, JsonValue]>([
    ["$id: ID!", { id: "x" }],
    ["$n: Int", {}],
    ["$n: Int", { n: null }],
    ["$n: Int! = 3", {}],
    ["$f: Float!", { f: 3 }],
    ["$labels: [String!]", { labels: "one" }],
    ["$filter: Filter", { filter: { state: "OPEN", inner: { state: "CLOSED" } } }],
    ["$choice: Choice", { choice: { a: 1 } }],
    ["$date: Date!", { date: { any: ["thing"] } }],
  ])("%s takes %j", (declared, input) => {
    expect(check(declared, input)).toEqual(input);
  });

  test.each<[string, JsonValue, string]>([
    ["$id: ID!", {}, "$id is missing; it is a ID!."],
    ["$id: ID!", { id: null }, "$id: "],
    ["$n: Int", { n: 3_000_000_000 }, "32-bit"],
    ["$n: Int", { n: "3" }, "$n: Int cannot represent"],
    ["$login: String", { logn: "x" }, 'There is no variable $logn. Did you mean "login"?'],
    ["$login: String", { zzzzzzz: "x" }, "It takes $login."],
    ["$filter: Filter", { filter: { state: "open" } }, '$filter.state: Value "open" does not exist in "State" enum.'],
    ["$filter: Filter", { filter: { state: "OPEN", stat: 1 } }, 'unknown field "stat"'],
    ["$filter: Filter", { filter: { state: "OPEN", inner: {} } }, "$filter.inner: "],
    ["$choice: Choice", { choice: { a: 1, b: 2 } }, "exactly one field"],
    ["$labels: [String!]", { labels: ["a", 1] }, "$labels.1: "],
  ])("%s does not take %j", (declared, input, message) => {
    expect(() => check(declared, input)).toThrow(message);
  });

  test("may be integers of any length where they are an ID, and not where they are an Int", () => {
    const input = { id: 12345678901234567890n };
    expect(check("$id: ID!", input)).toEqual(input);
    expect(() => check("$id: Int!", input)).toThrow("32-bit");
  });

  test("are a map, or nothing", () => {
    expect(check("$n: Int", null)).toEqual({});
    expect(() => check("$n: Int", [1])).toThrow("takes a map of variables");
  });

  test("without a schema are checked as far as their declaration tells", () => {
    const input = { n: 1, filter: { anything: true } };
    expect(check("$n: Int!, $filter: Filter!", input, null)).toEqual(input);
    expect(() => check("$n: Int!, $filter: Filter!", { n: "x", filter: {} }, null)).toThrow("$n: Int");
    expect(() => check("$filter: [Filter!]!", { filter: [null] }, null)).toThrow("$filter.0");
  });

  test("need a schema where they are of types that not every schema has", () => {
    expect(needsNoSchema(operation("query ($a: [Int!]!, $b: ID) { a }"))).toBe(true);
    expect(needsNoSchema(operation("query ($a: [State]) { a }"))).toBe(false);
  });

  test("of any name are data", () => {
    const input = JSON.parse('{"__proto__": 1, "constructor": 2}') as JsonValue;
    expect(() => check("$n: Int", input)).toThrow("no variable $__proto__");
    const values = check("$__proto__: Int, $constructor: Int", input) as object;
    expect(Object.keys(values)).toEqual(["__proto__", "constructor"]);
  });

  test("that are all wrong are told up to a limit", () => {
    const input = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`x${index}`, 1]));
    const error = (() => {
      try {
        return check("$n: Int", input);
      } catch (thrown) {
        return thrown as { details: { variables: unknown[] } };
      }
    })() as { details: { variables: unknown[] } };
    expect(error.details.variables).toHaveLength(5);
  });
});

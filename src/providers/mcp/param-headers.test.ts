import { expect, test } from "vitest";

import type { JsonObject } from "../../kernel/index.ts";
import { encodeHeaderValue, paramHeaders, ParamHeaderCache, scanParamHeaders } from "./param-headers.ts";

const property = (extra: JsonObject): JsonObject => ({
  type: "object",
  properties: { region: { type: "string", ...extra } },
});

test("declarations are found at any depth of properties", () => {
  const schema = { properties: { a: { type: "object", properties: { b: { type: "integer", "x-mcp-header": "B" } } } } };
  expect(scanParamHeaders(schema)).toEqual({ ok: true, headers: [{ path: ["a", "b"], name: "B" }] });
  expect(scanParamHeaders(property({}))).toEqual({ ok: true, headers: [] });
});

test.each<[string, JsonObject]>([
  ["at the root", { "x-mcp-header": "A" }],
  ["with an empty name", property({ "x-mcp-header": "" })],
  ["with a name that is no token", property({ "x-mcp-header": "a b" })],
  ["on a number", property({ type: "number", "x-mcp-header": "A" })],
  ["on a list", property({ type: "array", "x-mcp-header": "A" })],
  ["below items", { properties: { list: { type: "array", items: { type: "string", "x-mcp-header": "A" } } } }],
  ["below an alternative", { oneOf: [property({ "x-mcp-header": "A" })] }],
  ["below a definition", { $defs: { a: { type: "string", "x-mcp-header": "A" } } }],
  [
    "twice in another case",
    { properties: { a: { type: "string", "x-mcp-header": "A" }, b: { type: "string", "x-mcp-header": "a" } } },
  ],
])("a declaration %s makes the tool unusable", (_name, schema) => {
  expect(scanParamHeaders(schema)).toMatchObject({ ok: false, reason: expect.any(String) });
});

test("values become headers where they have a text", () => {
  const headers = ["s", "i", "t", "none", "absent", "far", "deep"].map((name) => ({
    path: name === "deep" ? ["o", "d"] : [name],
    name,
  }));
  const input = { s: "x", i: 3, t: true, none: null, far: 2 ** 60, o: { d: "y" } };
  expect(paramHeaders(headers, input)).toEqual({
    "mcp-param-s": "x",
    "mcp-param-i": "3",
    "mcp-param-t": "true",
    "mcp-param-deep": "y",
  });
});

test("an inherited name is no argument", () => {
  expect(paramHeaders([{ path: ["constructor", "name"], name: "c" }], {})).toEqual({});
});

test.each([
  ["plain", "plain"],
  ["with spaces inside", "with spaces inside"],
  [" lead", "=?base64?IGxlYWQ=?="],
  ["süd", "=?base64?c8O8ZA==?="],
  ["a\r\nb", "=?base64?YQ0KYg==?="],
  ["", "=?base64??="],
  ["=?base64?eA==?=", "=?base64?PT9iYXNlNjQ/ZUE9PT89?="],
])("%j is sent as %j", (text, value) => {
  expect(encodeHeaderValue(text)).toBe(value);
});

test("a schema that is no JSON declares nothing", () => {
  expect(new ParamHeaderCache().of('{"x-mcp-header')).toEqual({ ok: true, headers: [] });
});

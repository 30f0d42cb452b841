import { expect, test, describe } from "vitest";

import type { JsonObject, JsonValue } from "../../kernel/index.ts";
import type { Target } from "../../session/handler.ts";
import { isRateLimit, readToolResult, retryAfterIn } from "./map-value.ts";

const target: Target = {
  endpoint: "https://line.example/mcp",
  credentials: {},
  credentialSource: "LINE_TOKEN",
  shape: {},
  operation: "read",
  settings: {},
};
const text = (value: string): JsonObject => ({ type: "text", text: value });

test.each<[string, JsonObject, JsonValue]>([
  ["structured content before text", { content: [text("x")], structuredContent: { a: 1 } }, { a: 1 }],
  ["structured content that is a list", { content: [], structuredContent: [1] }, [1]],
  ["an object written as text", { content: [text('{"a":1}')] }, { a: 1 }],
  ["a list written as text", { content: [text(" [1, 2]\n")] }, [1, 2]],
  ["a large integer in text", { content: [text('{"id":12345678901234567890}')] }, { id: 12345678901234567890n }],
  ["a number as text", { content: [text("42")] }, "42"],
  ["plain text", { content: [text("hello")] }, "hello"],
  ["text that only begins as JSON", { content: [text("{not json")] }, "{not json"],
  ["two texts", { content: [text("a"), text("b")] }, { content: [text("a"), text("b")] }],
  ["no content", { content: [] }, { content: [] }],
  [
    "an image",
    { content: [{ type: "image", data: "", mimeType: "image/png" }] },
    { content: [{ type: "image", data: "", mimeType: "image/png" }] },
  ],
  [
    "the mark of a complete result",
    { resultType: "complete", content: [text("a"), text("b")] },
    { content: [text("a"), text("b")] },
  ],
  ["isError that is no true", { isError: false, content: [text("fine")] }, "fine"],
])("%s", (_name, result, value) => {
  expect(readToolResult(result, target, {})).toEqual(value);
});

describe("a tool's error", () => {
  const error = (message: string, input: JsonValue = {}, to: Target = target): unknown => {
    try {
      return readToolResult({ isError: true, content: [text(message)] }, to, input);
    } catch (thrown) {
      return thrown;
    }
  };

  test("is quoted without control characters", () => {
    expect(error("no \u001b[31msuch\u202e issue")).toMatchObject({
      code: "rejected",
      message: "read at https://line.example/mcp failed: no such issue",
    });
  });

  test.each<[string, string, string, string]>([
    ["Expected OPEN, got open", "open", "OPEN", "open"],
    ["Invalid enum value. Expected 'OPEN' | 'CLOSED', received 'open'", "open", "OPEN", "open"],
    ['Invalid option: expected one of "OPEN"|"CLOSED"', "closed", "CLOSED", "closed"],
    ["received 'open', must be one of OPEN, CLOSED", "open", "OPEN", "open"],
    ["state must be one of: open, closed", "OPEN", "open", "OPEN"],
  ])("%s: the case of a value is the remedy", (message, state, expected, given) => {
    expect(error(message, { state, repo: "site" })).toMatchObject({
      remedy: `Write "${expected}" instead of "${given}": the server tells upper from lower case.`,
    });
  });

  test("a value that only occurs in the text is no remedy", () => {
    expect(error("expected a repository that exists, got site", { repo: "site" })).toMatchObject({ remedy: undefined });
    expect(error("The Site is closed", { repo: "site" })).toMatchObject({ remedy: undefined });
  });

  test("a missing token is named, where none was sent", () => {
    expect(error("401 Unauthorized")).toMatchObject({ remedy: expect.stringContaining("Set LINE_TOKEN") });
    expect(error("401 Unauthorized", {}, { ...target, credentials: { token: "x" } })).toMatchObject({
      remedy: undefined,
    });
  });

  test("a rate limit in words is one", () => {
    expect(error("API rate limit exceeded. Retry after 30s")).toMatchObject({
      code: "rate-limited",
      retryAfterMs: 30_000,
    });
  });

  test("an error without a text is an error", () => {
    expect(() => readToolResult({ isError: true, content: [] }, target, {})).toThrow(/without a text/);
  });
});

test.each([
  ["API rate limit exceeded for user", true],
  ["You have exceeded a secondary rate limit", true],
  ["429 Too Many Requests", true],
  ["rate-limited", true],
  ["the interest rate limits growth", false],
  ["unlimited", false],
])("%s: %s", (message, limited) => {
  expect(isRateLimit(message)).toBe(limited);
});

test.each<[string, number | undefined]>([
  ["Retry after 30s", 30_000],
  ["retry after 30 seconds.", 30_000],
  ["Please try again in 2 minutes", 120_000],
  ["Retry after 1m30s", 90_000],
  ["retry-after: 5", 5000],
  ["Retry after 250ms", 250],
  ["try again in 1 hour", 3_600_000],
  ["Retry after 5 requests have gone", 5000],
  ["retry after 10 sec", 10_000],
  ["try again later", undefined],
])("%s names %s ms", (message, ms) => {
  expect(retryAfterIn(message)).toBe(ms);
});

import { describe, expect, test } from "vitest";

import type { Target } from "../session/handler.ts";
import { BrokenBody } from "./body.ts";
import { contentFailure, exchangeFailure, statusFailure, wordsOf, type HttpFailureContext } from "./failure.ts";
import { RedirectRefused } from "./follow.ts";
import { TooLarge } from "./http-response.ts";

const target: Target = {
  endpoint: "https://shop.example/v1",
  credentials: { token: "t" },
  credentialSource: "SHOP_TOKEN",
  shape: {},
  operation: "getOrder",
  settings: undefined,
};
const sent: HttpFailureContext = { phase: "execute", sent: true, target };
const unsent: HttpFailureContext = { ...sent, sent: false };
const opening: HttpFailureContext = { phase: "open", sent: true, target };

const status = (code: number, headers: Record<string, string> = {}, body = "", context = sent) =>
  statusFailure({ status: code, header: (name) => headers[name] }, body, context, 0);

describe("a status", () => {
  test.each<[number, string, string]>([
    [400, "rejected", "rejected"],
    [401, "unauthenticated", "unauthenticated"],
    [403, "rejected", "rejected"],
    [404, "rejected", "rejected"],
    [408, "outcome-unknown", "unavailable"],
    [422, "rejected", "rejected"],
    [425, "unavailable", "unavailable"],
    [429, "rate-limited", "rate-limited"],
    [500, "outcome-unknown", "unavailable"],
    [501, "rejected", "rejected"],
    [502, "outcome-unknown", "unavailable"],
    [503, "unavailable", "unavailable"],
    [504, "outcome-unknown", "unavailable"],
    [302, "protocol-error", "protocol-error"],
  ])("%i is %s in a call and %s while opening", (code, calling, whileOpening) => {
    expect(status(code)).toMatchObject({ code: calling, details: { status: code } });
    expect(status(code, {}, "", opening).code).toBe(whileOpening);
  });

  test("of a limit names the time to wait", () => {
    expect(status(429, { "retry-after": "7" })).toMatchObject({
      retryAfterMs: 7000,
      remedy: expect.stringContaining("7 s"),
    });
    expect(status(403, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "30" })).toMatchObject({
      code: "rate-limited",
      retryAfterMs: 30_000,
    });
    expect(status(503, { "retry-after": "2" }).retryAfterMs).toBe(2000);
  });

  test("that refuses names the variable, and never what it holds", () => {
    expect(status(401).remedy).toContain("SHOP_TOKEN");
    expect(status(403).remedy).toContain("scope");
    const nobody = statusFailure(
      { status: 401, header: () => undefined },
      "",
      { ...sent, target: { ...target, credentials: {} } },
      0,
    );
    expect(nobody.remedy).toContain("Set SHOP_TOKEN");
  });

  test("tells where, and what the peer says", () => {
    expect(status(404, {}, '{"message":"no\\u001b[31m such order"}').message).toBe(
      "Calling getOrder at https://shop.example/v1 failed: HTTP 404: no such order",
    );
  });

  test("of a redirect shows only the origin it points to", () => {
    const { message } = status(302, { location: "https://login.example/?token=secret" });
    expect(message).toContain("https://login.example,");
    expect(message).not.toContain("secret");
  });
});

test.each([
  ['{"error":{"message":"m"}}', "m"],
  ['{"errors":[{"detail":"d"}]}', "d"],
  ['{"error":"invalid","error_description":"the long text"}', "the long text"],
  ['{"title":"t","status":400}', "t"],
  ['{"other":1}', '{"other":1}'],
  ["plain\nwords", "plain words"],
  ["  <!doctype html><p>hi", ""],
  ["", ""],
])("%s says %j", (body, words) => {
  expect(wordsOf(body)).toBe(words);
});

describe("an exchange that failed", () => {
  const coded = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code });

  test.each<[string, unknown, string, string]>([
    ["a refused connection", coded("ECONNREFUSED"), "unavailable", "unavailable"],
    ["an unknown host", coded("ENOTFOUND"), "unavailable", "unavailable"],
    ["a reset", coded("ECONNRESET"), "outcome-unknown", "unavailable"],
    [
      "a cause inside",
      new TypeError("fetch failed", { cause: coded("UND_ERR_SOCKET") }),
      "outcome-unknown",
      "unavailable",
    ],
    ["a wrong certificate", coded("DEPTH_ZERO_SELF_SIGNED_CERT"), "unavailable", "unavailable"],
    ["too much", new TooLarge(7), "protocol-error", "protocol-error"],
    [
      "a redirect",
      new RedirectRefused("redirects to https://x.example, and credentials do not follow", "https://x.example"),
      "protocol-error",
      "protocol-error",
    ],
    ["broken compression", new BrokenBody("cannot be decompressed"), "protocol-error", "protocol-error"],
    [
      "no HTTP",
      Object.assign(new Error("Expected HTTP/"), { name: "HTTPParserError", code: "HPE_INVALID_CONSTANT" }),
      "protocol-error",
      "protocol-error",
    ],
    [
      "an end too early",
      Object.assign(new Error("eof"), { name: "HTTPParserError", code: "HPE_INVALID_EOF_STATE" }),
      "outcome-unknown",
      "unavailable",
    ],
  ])("by %s is %s after it was sent and %s before", (_what, error, after, before) => {
    expect(exchangeFailure(error, sent).code).toBe(after);
    expect(exchangeFailure(error, unsent).code).toBe(before);
    expect(exchangeFailure(error, opening).code).toBe(before);
  });

  test("by an answer after it was sent says that it ran", () => {
    expect(exchangeFailure(new TooLarge(7), sent).details).toEqual({ limit: 7, executed: true });
    expect(exchangeFailure(new TooLarge(7), unsent).details).toEqual({ limit: 7 });
  });

  test("as one of ours passes unchanged", () => {
    const ours = status(404);
    expect(exchangeFailure(ours, sent)).toBe(ours);
  });
});

test("a page for people is no answer of a service", () => {
  expect(contentFailure("text/html", "JSON", sent)).toMatchObject({
    code: "protocol-error",
    message: expect.stringContaining("is text/html, and not JSON"),
    remedy: expect.stringContaining("page for people"),
  });
  expect(contentFailure("", "JSON", opening).message).toContain("no declared type");
});

import { describe, expect, test } from "vitest";

import type { ErrorCode } from "../../kernel/index.ts";
import type { FailureContext, Target } from "../../session/handler.ts";
import { classify } from "./map-error.ts";
import { WireError, type Refusal, type WireFailure } from "./wire-error.ts";

const target: Target = {
  endpoint: "wss://line.example/",
  credentials: { token: "secret" },
  credentialSource: "LINE_TOKEN",
  shape: {},
  operation: "read",
  settings: {},
};
const OPEN: FailureContext = { phase: "open", sent: false, target };
const SENT: FailureContext = { phase: "execute", sent: true, target };
const NOT_SENT: FailureContext = { phase: "execute", sent: false, target };

const close = (code: number, more: Partial<WireFailure & { kind: "closed" }> = {}): WireFailure => ({
  kind: "closed",
  code,
  reason: "",
  sent: true,
  fresh: false,
  declared: undefined,
  ...more,
});
const http = (status: number, headers: Record<string, string> = {}, body = ""): WireFailure => ({
  kind: "http",
  status,
  body,
  header: (name) => headers[name],
});
const refused = (more: Partial<Refusal>): WireFailure => ({
  kind: "refused",
  refusal: { code: undefined, message: "no", retryAfterMs: undefined, declared: undefined, login: false, ...more },
});
const meaning = (failure: WireFailure, context: FailureContext) => classify(new WireError(failure), context, 0);

describe("a socket that was closed", () => {
  test.each<[string, WireFailure, FailureContext, ErrorCode]>([
    ["normally, with a call under way", close(1000), SENT, "outcome-unknown"],
    ["because the peer goes away, with a call under way", close(1001), SENT, "outcome-unknown"],
    ["without a word, with a call under way", close(1006), SENT, "outcome-unknown"],
    ["after an error of the peer, with a call under way", close(1011), SENT, "outcome-unknown"],
    ["for a restart, with a call under way", close(1012), SENT, "outcome-unknown"],
    ["by a busy peer, with a call under way", close(1013), SENT, "outcome-unknown"],
    ["for a message that was too big", close(1009), SENT, "protocol-error"],
    ["for a message that it could not read", close(1007), SENT, "protocol-error"],
    ["because we broke the protocol", close(1002), SENT, "protocol-error"],
    ["before the call was sent", close(1001, { sent: false }), NOT_SENT, "session-lost"],
    ["before the call was sent, whatever the code", close(1008, { sent: false }), NOT_SENT, "session-lost"],
    ["by its policy, later", close(1008), SENT, "outcome-unknown"],
    ["by its policy, before it had said anything", close(1008, { fresh: true }), SENT, "unauthenticated"],
    ["as unauthorized, before it had said anything", close(4401, { fresh: true }), SENT, "unauthenticated"],
    [
      "as unauthorized (3000), before the call was sent",
      close(3000, { fresh: true, sent: false }),
      NOT_SENT,
      "unauthenticated",
    ],
    ["as forbidden, later", close(4403), SENT, "outcome-unknown"],
    ["with a code that is declared", close(4000, { declared: "session-lost" }), SENT, "session-lost"],
    ["with a code that is declared, later", close(4401, { declared: "unauthenticated" }), SENT, "unauthenticated"],
    ["while opening, as unauthorized", close(4401), OPEN, "unauthenticated"],
    ["while opening, by its policy", close(1008), OPEN, "unauthenticated"],
    ["while opening, by a busy peer", close(1013), OPEN, "unavailable"],
    ["while opening, for a restart", close(1012), OPEN, "unavailable"],
    ["while opening, without a word", close(1006), OPEN, "unavailable"],
    ["while opening, because we broke the protocol", close(1002), OPEN, "protocol-error"],
  ])("%s", (_name, failure, context, code) => expect(meaning(failure, context).code).toBe(code));

  test("says with which code and why, and what to do", () => {
    const error = meaning(close(1011, { reason: "disk full" }), SENT);
    expect(error.message).toBe(
      "Calling read at wss://line.example/ failed: the socket was closed with 1011 (the peer met an error: disk full).",
    );
    expect(error.details).toEqual({ closeCode: 1011 });
    expect(error.remedy).toMatch(/check before calling again/);
  });

  test("for refused credentials names the variable", () => {
    expect(meaning(close(4401), OPEN).remedy).toBe("The token in LINE_TOKEN was refused; it may have expired.");
  });
});

describe("a handshake that was answered otherwise", () => {
  test.each<[number, ErrorCode]>([
    [200, "protocol-error"],
    [301, "protocol-error"],
    [400, "rejected"],
    [401, "unauthenticated"],
    [403, "rejected"],
    [404, "rejected"],
    [426, "rejected"],
    [429, "rate-limited"],
    [500, "unavailable"],
    [503, "unavailable"],
  ])("HTTP %i is %s", (status, code) => {
    const error = meaning(http(status), OPEN);
    expect(error.code).toBe(code);
    expect(error.remedy).toBeDefined();
  });

  test("says how long to wait, where to, and no HTML", () => {
    expect(meaning(http(429, { "retry-after": "7" }), OPEN).retryAfterMs).toBe(7000);
    expect(meaning(http(302, { location: "https://login.example/?next=secret" }), OPEN).message).toBe(
      "Opening a session at wss://line.example/ failed: it redirects to https://login.example, and that is not followed.",
    );
    expect(meaning(http(404, {}, "<html>nothing here</html>"), OPEN).message).not.toContain("html");
  });
});

describe("a refusal", () => {
  test.each<[string, Partial<Refusal>, ErrorCode]>([
    ["as such", {}, "rejected"],
    ["of an unknown method", { code: "-32601" }, "rejected"],
    ["with the code of HTTP for who one is", { code: "401" }, "unauthenticated"],
    ["with the code of HTTP for too much", { code: "429" }, "rate-limited"],
    ["with the code of HTTP for too busy", { code: "503" }, "unavailable"],
    ["of what the peer could not parse", { code: "-32700" }, "protocol-error"],
    ["with a code that is declared", { code: "429", declared: "session-lost" }, "session-lost"],
    ["of the login", { login: true }, "unauthenticated"],
    ["of the login, for too much", { login: true, code: "429" }, "rate-limited"],
  ])("%s", (_name, refusal, code) => expect(meaning(refused(refusal), SENT).code).toBe(code));

  test("is quoted on one line, without what moves a cursor", () => {
    const error = meaning(refused({ message: "no\n\u001b[31mnot\u202e this", code: "E7" }), SENT);
    expect(error.message).toBe("Calling read at wss://line.example/ failed: no not this");
    expect(error.details).toEqual({ code: "E7" });
  });
});

describe("other failures", () => {
  test.each<[string, WireFailure, FailureContext, ErrorCode]>([
    ["a peer that cannot be reached", { kind: "network", code: "ECONNREFUSED", text: "no" }, OPEN, "unavailable"],
    ["a message that is none", { kind: "broken", text: "no JSON" }, SENT, "protocol-error"],
    ["a message that is too long", { kind: "oversize", limit: 9 }, SENT, "protocol-error"],
    ["a peer that does not answer", { kind: "silent", afterMs: 9 }, OPEN, "unavailable"],
  ])("%s", (_name, failure, context, code) => expect(meaning(failure, context).code).toBe(code));

  test("of what is no failure of ours before it was sent", () => {
    expect(classify(new Error("boom"), NOT_SENT, 0).code).toBe("unavailable");
    expect(classify(new Error("boom"), SENT, 0).code).toBe("outcome-unknown");
  });
});

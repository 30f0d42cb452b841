import { expect, test, describe } from "vitest";

import { CcosError, type ErrorCode } from "../../kernel/index.ts";
import type { FailureContext, Target } from "../../session/handler.ts";
import { classify } from "./map-error.ts";
import { isSessionLoss } from "./session-loss.ts";
import { WireError, type WireFailure, type WireState } from "./wire-error.ts";

const target: Target = {
  endpoint: "https://line.example/mcp",
  credentials: {},
  credentialSource: "LINE_TOKEN",
  shape: {},
  operation: "read",
  settings: { kind: "http" },
};
const LEGACY: WireState = { era: "legacy", hasSessionId: true };
const WITHOUT_ID: WireState = { era: "legacy", hasSessionId: false };
const MODERN: WireState = { era: "modern", hasSessionId: false };

const status = (code: number, message?: string, rpcCode = -32000): WireFailure => ({
  kind: "http",
  status: code,
  body: message ?? "",
  rpc: message === undefined ? undefined : { code: rpcCode, message },
  retryAfterMs: undefined,
});
const plain = (code: number, body: string): WireFailure => ({
  kind: "http",
  status: code,
  body,
  rpc: undefined,
  retryAfterMs: undefined,
});
const rpc = (code: number, message: string): WireFailure => ({ kind: "rpc", error: { code, message } });

describe("a lost session", () => {
  test.each<[string, WireFailure, WireState]>([
    ["404 and -32001", status(404, "Session not found", -32001), LEGACY],
    ["404 and -32000", status(404, "gone"), LEGACY],
    ["404 and a page", plain(404, "<html>"), LEGACY],
    ["400 and no valid session", status(400, "Bad Request: No valid session ID provided"), LEGACY],
    ["400 and invalid session", plain(400, "Invalid session ID"), LEGACY],
    ["400 and invalid or missing session", status(400, "Invalid or missing session ID"), LEGACY],
    ["400 and not initialized", status(400, "Bad Request: Server not initialized"), LEGACY],
    ["400 and not initialized, without an id", status(400, "Server not initialized"), WITHOUT_ID],
    ["200 and -32600", rpc(-32600, "Session not found"), LEGACY],
    ["a closed channel that the call never reached", { kind: "closed", text: "ended", sent: false }, LEGACY],
    ["a modern server that wants a session", status(400, "Bad Request: Session ID required"), MODERN],
    ["a modern server that was never initialized", status(400, "Bad Request: Server not initialized"), MODERN],
    ["a modern server without the revision", status(400, "Unsupported protocol version", -32022), MODERN],
  ])("%s is one", (_name, failure, state) => {
    expect(isSessionLoss(failure, state)).toBe(true);
    expect(code(failure, state)).toBe("session-lost");
  });

  test.each<[string, WireFailure, WireState]>([
    ["404 for a method", status(404, "Method not found", -32601), LEGACY],
    ["404 without a session id", plain(404, ""), WITHOUT_ID],
    ["404 in the modern era", plain(404, "no such page"), MODERN],
    ["404 for a method in the modern era", status(404, "Method not found", -32601), MODERN],
    ["400 about arguments", status(400, "Invalid params", -32602), LEGACY],
    ["400 about arguments that mention a session", status(400, "Invalid session type", -32602), LEGACY],
    ["400 without a known text", status(400, "Bad Request"), LEGACY],
    ["200 and -32600 about something else", rpc(-32600, "Invalid Request"), LEGACY],
    ["200 and -32602 that mentions a session", rpc(-32602, "session not found"), LEGACY],
    ["200 and a session text without a session id", rpc(-32600, "Session not found"), WITHOUT_ID],
    ["401", status(401, "Session expired"), LEGACY],
    ["500", status(500, "Session not found"), LEGACY],
    ["a channel that closed on the call", { kind: "closed", text: "ended", sent: true }, LEGACY],
  ])("%s is none", (_name, failure, state) => {
    expect(isSessionLoss(failure, state)).toBe(false);
    expect(code(failure, state)).not.toBe("session-lost");
  });
});

const context = (phase: FailureContext["phase"]): FailureContext => ({ phase, sent: phase === "execute", target });
const code = (failure: WireFailure, state: WireState = LEGACY, phase: FailureContext["phase"] = "execute"): ErrorCode =>
  classify(new WireError(failure, state), context(phase)).code;
const network = (name: string): WireFailure => ({ kind: "network", code: name, text: "it failed" });

test("a connection that broke before the request left cannot have brought a call there", () => {
  const error = new WireError(network("ECONNRESET"), LEGACY);
  expect(classify(error, { ...context("execute"), sent: false }).code).toBe("unavailable");
});

test.each<[string, WireFailure, ErrorCode, ErrorCode]>([
  ["401", status(401), "unauthenticated", "unauthenticated"],
  ["403", status(403), "unauthenticated", "unauthenticated"],
  ["408", status(408), "outcome-unknown", "unavailable"],
  ["413", plain(413, ""), "rejected", "protocol-error"],
  ["429", status(429), "rate-limited", "rate-limited"],
  ["500", status(500), "outcome-unknown", "unavailable"],
  ["503", status(503), "unavailable", "unavailable"],
  ["504", status(504), "outcome-unknown", "unavailable"],
  ["302", plain(302, ""), "protocol-error", "protocol-error"],
  ["-32700", rpc(-32700, "parse error"), "protocol-error", "protocol-error"],
  ["-32601", rpc(-32601, "no such method"), "rejected", "rejected"],
  ["-32602", rpc(-32602, "bad arguments"), "rejected", "rejected"],
  ["-32603", rpc(-32603, "boom"), "rejected", "rejected"],
  ["ECONNREFUSED", network("ECONNREFUSED"), "unavailable", "unavailable"],
  ["ENOTFOUND", network("ENOTFOUND"), "unavailable", "unavailable"],
  ["a slow connect", network("UND_ERR_CONNECT_TIMEOUT"), "unavailable", "unavailable"],
  ["a certificate", network("DEPTH_ZERO_SELF_SIGNED_CERT"), "unavailable", "unavailable"],
  ["a reset", network("ECONNRESET"), "outcome-unknown", "unavailable"],
  ["a closed socket", network("UND_ERR_SOCKET"), "outcome-unknown", "unavailable"],
  ["a cut stream", { kind: "cut", text: "cut" }, "outcome-unknown", "unavailable"],
  ["a closed channel", { kind: "closed", text: "ended", sent: true }, "outcome-unknown", "unavailable"],
  ["nonsense", { kind: "broken", text: "not JSON" }, "protocol-error", "protocol-error"],
  ["too much", { kind: "oversize", limit: 10 }, "protocol-error", "protocol-error"],
])("%s is %s in a call and %s at the opening", (_name, failure, inCall, atOpening) => {
  expect(code(failure)).toBe(inCall);
  expect(code(failure, { era: undefined, hasSessionId: false }, "open")).toBe(atOpening);
});

test("our own errors pass, also where something wrapped the wire's", () => {
  const own = new CcosError("rejected", "no");
  expect(classify(own, context("execute"))).toBe(own);
  const wrapped = new Error("outer", { cause: new WireError(status(429), LEGACY) });
  expect(classify(wrapped, context("execute")).code).toBe("rate-limited");
});

test("what is not known may have been executed, once it was sent", () => {
  expect(classify(new Error("?"), context("execute")).code).toBe("outcome-unknown");
  expect(classify(new Error("?"), { ...context("execute"), sent: false }).code).toBe("unavailable");
  expect(classify("?", context("open")).code).toBe("protocol-error");
});

test("a message quotes the server on one line and without control characters", () => {
  const error = classify(new WireError(rpc(-32602, "bad\u001b[31m\nargument \u202eevil"), LEGACY), context("execute"));
  expect(error.message).toBe("Calling read at https://line.example/mcp failed: bad argument evil");
});

test("a refused credential is named by its variable", () => {
  const refused = (credentials: Record<string, string>): string | undefined =>
    classify(new WireError(status(401), LEGACY), { ...context("execute"), target: { ...target, credentials } }).remedy;
  expect(refused({})).toContain("Set LINE_TOKEN");
  expect(refused({ token: "s3cret" })).toMatch(/^The token in LINE_TOKEN was refused/);
});

test("a tool that the server does not have says where to look", () => {
  const error = classify(new WireError(rpc(-32602, "Unknown tool: read"), LEGACY), context("execute"));
  expect(error).toMatchObject({ code: "rejected", remedy: expect.stringContaining(":tool_name") });
});

import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { CcosError, ERROR_TABLE, fail, isCcosError, toCcosError } from "./index.ts";

describe("the table of codes", () => {
  test("is closed and pinned: code, origin, retry advice, breaker, HTTP status, exit code", () => {
    const rows = Object.entries(ERROR_TABLE).map(
      ([code, t]) => `${code} | ${t.origin} | ${t.retry} | ${t.breaker} | ${t.httpStatus} | ${t.exitCode}`,
    );
    expect(rows).toEqual([
      "read-error | language | never | false | 400 | 3",
      "eval-error | language | never | false | 422 | 1",
      "invalid-argument | caller | never | false | 400 | 1",
      "interrupted | language | never | false | 422 | 1",
      "permission-denied | capability | never | false | 403 | 1",
      "not-found | capability | never | false | 404 | 1",
      "unimplemented | capability | never | false | 501 | 1",
      "pool-closed | pool | never | false | 503 | 1",
      "unauthenticated | provider | new-session | false | 401 | 1",
      "session-lost | provider | new-session | false | 502 | 1",
      "rate-limited | provider | after-delay | false | 429 | 1",
      "bulkhead-full | policy | after-delay | false | 503 | 1",
      "acquire-timeout | pool | after-delay | false | 503 | 1",
      "circuit-open | policy | after-delay | false | 503 | 1",
      "deadline-exceeded | policy | if-idempotent | true | 504 | 1",
      "unavailable | provider | backoff | true | 503 | 1",
      "outcome-unknown | provider | if-idempotent | true | 502 | 1",
      "rejected | provider | never | false | 422 | 1",
      "protocol-error | provider | never | true | 502 | 1",
      "store-error | store | never | false | 500 | 1",
      "canceled | caller | never | false | 499 | 1",
      "internal | runtime | never | false | 500 | 1",
    ]);
  });
});

describe("an error", () => {
  const error = new CcosError("rate-limited", "The server asks to wait.", {
    remedy: "Wait.",
    details: { limit: 30 },
    retryAfterMs: 1500,
    place: { file: "a.rtfs", line: 3, column: 7 },
    cause: new Error("the token is tok-123456"),
  });

  test("leaves the process as JSON with everything but its cause and stack", () => {
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: "rate-limited",
      message: "The server asks to wait.",
      remedy: "Wait.",
      retryable: true,
      retryAfterMs: 1500,
      place: { file: "a.rtfs", line: 3, column: 7 },
      details: { limit: 30 },
    });
  });

  test("omits what it does not know", () => {
    expect(new CcosError("rejected", "No.").toJSON()).toEqual({ code: "rejected", message: "No.", retryable: false });
  });

  test("is retryable exactly where its code advises some retry", () => {
    const retryable = Object.keys(ERROR_TABLE).filter((code) => new CcosError(code as "internal", "").retryable);
    expect(retryable).toEqual([
      "unauthenticated",
      "session-lost",
      "rate-limited",
      "bulkhead-full",
      "acquire-timeout",
      "circuit-open",
      "deadline-exceeded",
      "unavailable",
      "outcome-unknown",
    ]);
  });

  test("can be copied with changes: details are merged, stack and cause are kept", () => {
    const copy = error.with({ message: "Again.", details: { attempts: 2 } });
    expect(copy.toJSON()).toMatchObject({
      code: "rate-limited",
      message: "Again.",
      details: { limit: 30, attempts: 2 },
    });
    expect([copy.cause, copy.remedy, copy.retryAfterMs]).toEqual([error.cause, "Wait.", 1500]);
    const places = (stack: string | undefined): string[] => (stack ?? "").split("\n").slice(1);
    expect(places(copy.stack)).toEqual(places(error.stack));
    expect(copy.stack).toMatch(/^\w*Error: Again\.\n/);
    expect(error.message).toBe("The server asks to wait.");
  });

  test("shows a console its message and remedy, and nothing of what was said to it", () => {
    const changed = error.with({ message: "The server asks [redacted] to wait." });
    expect(inspect(changed)).toContain("The server asks [redacted] to wait.");
    expect(inspect(changed)).toContain("Wait.");
    expect(inspect({ nested: [changed] })).not.toContain("tok-123456");
    expect(changed.stack).not.toContain("asks to wait");
  });

  test("may be retried after 0 ms: a change to 0 is a change", () => {
    expect(error.with({ retryAfterMs: 0 }).retryAfterMs).toBe(0);
  });
});

describe("the guard and the entry for foreign errors", () => {
  test("recognise an error of another copy of this package by its brand", () => {
    const foreign = Object.assign(new Error("x"), { [Symbol.for("ccos.error")]: true, code: "rejected" });
    expect(isCcosError(foreign)).toBe(true);
    expect(toCcosError(foreign)).toBe(foreign);
  });

  test.each([[null], ["text"], [new Error("x")], [{ code: "rejected" }]])("take %o for foreign", (value) => {
    expect(isCcosError(value)).toBe(false);
    expect(toCcosError(value)).toMatchObject({ code: "internal", cause: value });
  });

  test("pass ours unchanged", () => {
    const ours = new CcosError("canceled", "x");
    expect(toCcosError(ours)).toBe(ours);
  });

  test("fail throws with the code and options given", () => {
    expect(() => fail("not-found", "No such thing.", { remedy: "Look." })).toThrow(
      expect.objectContaining({ code: "not-found", message: "No such thing.", remedy: "Look." }),
    );
  });
});

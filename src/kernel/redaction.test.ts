import { describe, expect, test } from "vitest";
import { CcosError, createRedactor, redactError } from "./index.ts";

const canary = "canary-7f3a9b2c";

describe("a registered secret", () => {
  test("is blanked wherever it stands in a text", () => {
    const redactor = createRedactor();
    redactor.add(canary);
    expect(redactor.redact(`a ${canary}, b=${canary};`)).toBe("a [redacted], b=[redacted];");
  });

  test("is blanked in its URL-encoded form too", () => {
    const redactor = createRedactor();
    redactor.add("pass word/123");
    expect(redactor.redact("https://h/?q=pass%20word%2F123")).not.toContain("word");
  });

  test("is blanked when it is part of a longer secret, and when a longer one contains it", () => {
    const redactor = createRedactor();
    redactor.add("secret-abc");
    redactor.add("secret-abc-and-more");
    expect(redactor.redact("x secret-abc-and-more y")).not.toMatch(/secret|more/);
  });

  test("is found inside values, at any depth, and their keys stay", () => {
    const redactor = createRedactor();
    redactor.add(canary);
    const value = { message: `failed with ${canary}`, list: [1, { token: canary }], n: 5n, flag: null };
    expect(redactor.redactValue(value)).toEqual({
      message: "failed with [redacted]",
      list: [1, { token: "[redacted]" }],
      n: 5n,
      flag: null,
    });
    expect(value.list[1]).toEqual({ token: canary });
  });

  test("does not send a value that refers to itself into an endless walk", () => {
    const redactor = createRedactor();
    redactor.add(canary);
    const value: { name: string; self?: unknown } = { name: canary };
    value.self = value;
    expect(JSON.stringify(redactor.redactValue(value))).not.toContain(canary);
  });

  test("is blanked where a peer has quoted its beginning only, in the middle of a text", () => {
    const redactor = createRedactor();
    redactor.add("a-secret-of-a-test-0123456789");
    expect(redactor.redact('{"x-key":"a-secret-of-a-te 1, and on')).toBe('{"x-key":"[redacted] 1, and on');
    expect(redactor.redact("a-secret-of-a-te, a-secret-of-a-t")).toBe("[redacted], [redacted]");
    expect(redactor.redact("a-secret-of")).toBe("a-secret-of");
    // Data is left as it is, unless it holds the whole of it.
    expect(redactor.redactKnown("a-secret-of-a-te")).toBe("a-secret-of-a-te");
  });

  test("is blanked where a text was cut in the middle of it, wherever that was", () => {
    const redactor = createRedactor();
    redactor.add("another-secret-altogether");
    redactor.add(canary);
    const text = `before it ${canary} after it`;
    for (let length = 1; length <= text.length; length++) {
      expect(redactor.redact(`${text.slice(0, length)}…`)).not.toContain(canary.slice(0, 6));
      expect(redactor.redact(`…${text.slice(length)}`)).not.toContain(canary.slice(-6));
    }
    expect(redactor.redact(`${text.slice(0, 20)}… and more`)).toBe("before it [redacted]… and more");
    expect(redactor.redact("nothing secret… here")).toBe("nothing secret… here");
  });

  test("of fewer than 6 characters is ignored, as is none at all", () => {
    const redactor = createRedactor();
    redactor.add("on");
    redactor.add("");
    redactor.add(undefined);
    expect(redactor.redact("on and on")).toBe("on and on");
  });

  test("does not come back through a replacement pattern it contains", () => {
    const redactor = createRedactor();
    redactor.add("$&$1-secret");
    expect(redactor.redact("x $&$1-secret y")).toBe("x [redacted] y");
  });

  test("is remembered among very many, and the oldest are forgotten first", () => {
    const redactor = createRedactor();
    for (let i = 0; i < 10_001; i++) redactor.add(`${i}-number-of-a-secret.`);
    expect(redactor.redact("10000-number-of-a-secret.")).toBe("[redacted]");
    expect(redactor.redact("0-number-of-a-secret.")).toBe("0-number-of-a-secret.");
  });
});

describe("a secret nobody registered", () => {
  const redactor = createRedactor();

  test.each([
    ["Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"],
    ["authorization: basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"],
    ["used ghp_0123456789abcdefghij today", "ghp_0123456789abcdefghij"],
    ["used github_pat_0123456789abcdefghij", "github_pat_0123456789abcdefghij"],
    ["key sk-proj-0123456789abcdefghij", "0123456789abcdefghij"],
    ["slack xoxb-0123456789-abc", "xoxb-0123456789-abc"],
    ["jwt eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "eyJzdWIiOiIx"],
    ["https://user:hunter22@host/path", "hunter22"],
    ["https://host/path?access_token=abc123&x=1", "abc123"],
    ["https://host/path?x=1&api_key=abc123", "abc123"],
    ['{"error":"bad","access_token": "opaque-thing-1"}', "opaque-thing-1"],
    ['at line 3: {:auth_token "opaque-thing-1" :x 1}', "opaque-thing-1"],
    ["headers {'x-api-key': 'opaque\\'thing-1'}", "thing-1"],
  ])("is known by its shape: %s", (text, secret) => {
    expect(redactor.redact(text)).not.toContain(secret);
    expect(redactor.redact(text)).toContain("[redacted]");
  });

  test.each([
    "a token of thanks",
    "basic knowledge",
    "set the token ACME_AUTH_TOKEN",
    "https://host/path?page=2&sort=asc",
    "12345678901234567890",
    'unexpected token ")" after "(a b c d e f g"',
    'names its variable: :auth_env_var "ACME_AUTH_TOKEN"',
    '{"tokens": "a plural of words"}',
  ])("is not seen where there is none: %s", (text) => {
    expect(redactor.redact(text)).toBe(text);
  });
});

test("a key with the name of a secret shows that it holds one, and not which", () => {
  const redactor = createRedactor();
  const value = {
    auth_token: "opaque",
    "x-api-key": "opaque",
    clientSecret: "opaque",
    token: "",
    auth_env_var: "NAME",
    tokens: 3,
    monkey: "tail",
  };
  expect(redactor.redactValue(value)).toEqual({
    auth_token: "[redacted]",
    "x-api-key": "[redacted]",
    clientSecret: "[redacted]",
    token: "",
    auth_env_var: "NAME",
    tokens: 3,
    monkey: "tail",
  });
});

test("an error is shown without secrets in its message, remedy, details and stack", () => {
  const redactor = createRedactor();
  redactor.add(canary);
  const error = new CcosError("rejected", `It said ${canary}.`, {
    remedy: `Use another than ${canary}.`,
    details: { said: canary },
  });
  const shown = redactError(error, redactor);
  expect(JSON.stringify(shown) + String(shown.stack)).not.toContain(canary);
  expect(shown.toJSON()).toEqual({
    code: "rejected",
    message: "It said [redacted].",
    remedy: "Use another than [redacted].",
    retryable: false,
    details: { said: "[redacted]" },
  });
});

test("data is searched for registered secrets and nothing is guessed", () => {
  const redactor = createRedactor();
  redactor.add("own-secret-1");
  const text = "own-secret-1 https://host/path?key=abc123 Bearer abcdefgh12345678";
  expect(redactor.redactKnown(text)).toBe("[redacted] https://host/path?key=abc123 Bearer abcdefgh12345678");
});

describe("a hostile text", () => {
  test.each([
    ["web tokens that never end", "eyJaaaaaaaa-"],
    ["web tokens with one dot", "eyJaaaaaaaa."],
    ["words before tokens", "token "],
    ["half addresses", "://a:"],
    ["parameters", "?token="],
  ])("of many %s is gone through in linear time", (_what, piece) => {
    const redactor = createRedactor();
    const time = (length: number): number => {
      const text = piece.repeat(length / piece.length);
      const start = performance.now();
      redactor.redact(text);
      return performance.now() - start;
    };
    time(10_000);
    // Quadratic time would be half a minute.
    expect(time(400_000)).toBeLessThan(2_000);
  });
});

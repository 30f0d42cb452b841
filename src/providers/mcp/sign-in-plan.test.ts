import { describe, expect, test } from "vitest";

import { readChallenge, unionOfScopes } from "./sign-in-plan.ts";

describe("a challenge", () => {
  test.each([
    [
      'Bearer resource_metadata="https://a.example/meta", scope="read write"',
      { scope: "read write", resourceMetadata: "https://a.example/meta" },
    ],
    ['bearer error="insufficient_scope",scope=admin', { error: "insufficient_scope", scope: "admin" }],
    ['Basic realm="x", Bearer error="invalid_token"', { error: "invalid_token" }],
    ['DPoP error="use_dpop_nonce"', { error: "use_dpop_nonce" }],
    ['Bearer scope="a \\"b\\""', { scope: 'a "b"' }],
    ["Bearer", {}],
  ])("%s is read", (header, expected) => {
    expect(readChallenge(header)).toEqual({
      error: undefined,
      scope: undefined,
      resourceMetadata: undefined,
      ...expected,
    });
  });

  test.each([undefined, "", 'Basic realm="x"', "Negotiate", `Bearer ${"x".repeat(9000)}`])("%j is none", (header) => {
    expect(readChallenge(header)).toBeUndefined();
  });

  test("whose names are those of objects' own is only data", () => {
    expect(readChallenge('Bearer constructor="x", __proto__="y", toString="z"')).toEqual({
      error: undefined,
      scope: undefined,
      resourceMetadata: undefined,
    });
  });

  test("that is made to be slow is read in no time", () => {
    const before = performance.now();
    readChallenge(`Bearer ${'a="'.repeat(2500)}`);
    readChallenge(`Bearer a="${"\\".repeat(8000)}`);
    expect(performance.now() - before).toBeLessThan(200);
  });
});

test.each([
  [["a b", "b c", undefined], "a b c"],
  [[undefined, " "], undefined],
  [["  x   y ", "x"], "x y"],
])("the scopes %j together are %j", (lists, union) => {
  expect(unionOfScopes(...lists)).toBe(union);
});

import { describe, expect, it } from "vitest";
import { readCsrfToken } from "./csrf-token.ts";
import type { CsrfPlan } from "./read-login.ts";

const plan = (more: Partial<CsrfPlan>): CsrfPlan => ({
  path: "/",
  from: "field",
  name: "csrf",
  bodyPath: undefined,
  sendHeader: "x-csrf-token",
  sendField: undefined,
  ...more,
});
const response = { header: (name: string) => (name === "x-token" ? "from-header" : undefined) };

describe("the token against forged requests", () => {
  it.each<[string, Partial<CsrfPlan>, string, string | undefined]>([
    ["a field", {}, '<input type=hidden value="a&amp;b&#x41;" name="csrf">', "a&bA"],
    ["a field in other quotes", {}, "<INPUT NAME='csrf' VALUE='x'>", "x"],
    ["the field with that name alone", {}, '<input name="other" value="no"><input name=csrf value=yes>', "yes"],
    ["a meta", { from: "meta", name: "csrf-token" }, '<meta content="m" name="csrf-token" />', "m"],
    ["a header", { from: "header", name: "X-Token" }, "", "from-header"],
    ["JSON", { from: "body", bodyPath: ["data", "token"] }, '{"data":{"token":"j"}}', "j"],
    ["no page", {}, "nothing", undefined],
    ["no JSON", { from: "body", bodyPath: ["a"] }, "<html>", undefined],
  ])("stands in %s", (_where, more, text, token) => {
    expect(readCsrfToken(plan(more), response, text)).toBe(token);
  });

  it("is looked for in a page of any size and kind in little time", () => {
    const begun = performance.now();
    for (const page of [
      "<input ".repeat(100_000),
      `<input ${"a=".repeat(500_000)}`,
      `<input ${"'".repeat(500_000)}`,
      `${"<input ".repeat(500_000)}>`,
    ]) {
      expect(readCsrfToken(plan({}), response, page)).toBeUndefined();
    }
    expect(performance.now() - begun).toBeLessThan(2_000);
  });
});

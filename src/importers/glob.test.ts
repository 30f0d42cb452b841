import { expect, it } from "vitest";
import { matchesGlob } from "./glob.ts";

it.each([
  ["list_issues", "list_*", true],
  ["list_issues", "*issues", true],
  ["list_issues", "*_*", true],
  ["list_issues", "list", false],
  ["list_issues", "LIST_*", false],
  ["echo", "ech?", true],
  ["echo", "echo?", false],
  ["echo", "*", true],
  ["", "*", true],
  ["", "", true],
  ["", "?", false],
  ["a.b", "a.b", true],
  ["axb", "a.b", false],
  ["a*", "a*", true],
  ["abcabd", "*abd", true],
])("matches %j against %j: %j", (name, pattern, expected) => {
  expect(matchesGlob(name, pattern)).toBe(expected);
});

it("stays quick for a pattern made to backtrack", () => {
  const before = performance.now();
  expect(matchesGlob("a".repeat(5_000), `${"*a".repeat(200)}b`)).toBe(false);
  expect(performance.now() - before).toBeLessThan(2_000);
});

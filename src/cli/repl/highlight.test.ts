import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { highlight } from "./highlight.ts";

test("strings, keywords, numbers and constants have a colour each; brackets and names have none", () => {
  const text = '{:a [1 -2.5 nil] "k \\" 1" name ##Inf #<function>}';
  const coloured = highlight(text);
  expect(stripVTControlCharacters(coloured)).toBe(text);
  for (const part of [":a", "1", "-2.5", "nil", '"k \\" 1"', "##Inf", "#<function>"]) {
    expect(coloured).toContain(`m${part}\u001b[`);
  }
  expect(coloured).toContain(" name ");
});

test("a string that is not closed takes no more time than one that is", () => {
  const start = performance.now();
  highlight(`"${"\\".repeat(200_001)}`);
  expect(performance.now() - start).toBeLessThan(1_000);
});

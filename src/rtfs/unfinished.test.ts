import { expect, test } from "vitest";
import { isUnfinished } from "./unfinished.ts";

test.each([
  "(",
  "(let [x 1]",
  '"text',
  "#| comment",
  "'",
  "`(a ~",
  "^{:a 1}",
  "^:delegation :remote",
  "#(+ %",
  "{:a [",
  "(a ; b)",
])("%j lacks its end", (text) => expect(isUnfinished(text)).toBe(true));

test.each(["", "  ", "1", "(+ 1 2)", "; comment", '"a" #| b |#', "^{:a 1} x", "^:delegation :local x", "'x"])(
  "%j is whole",
  (text) => expect(isUnfinished(text)).toBe(false),
);

test.each([")", "(]", "(foo 1.", "(a \\b", "#{1", "(café"])(
  "%j has another mistake that more text would not mend",
  (text) => expect(isUnfinished(text)).toBe(false),
);

test("a text of a megabyte of open brackets is answered at once", () => {
  expect(isUnfinished("(".repeat(1_000_000))).toBe(true);
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isCcosError } from "../../kernel/index.ts";
import { equals } from "../equality.ts";
import { formToValue } from "../form-values.ts";
import { print } from "../printer.ts";
import { anyValue } from "../../../test/arbitrary-values.ts";
import { read, readProgram } from "./reader.ts";

describe("places", () => {
  test("every form knows the range it was read from", () => {
    const text = '  (f [1 :k] {:a "s"}) ; end';
    const [form] = read(text).forms;
    expect(text.slice(form?.start, form?.end)).toBe('(f [1 :k] {:a "s"})');
  });

  test("an error names file, line and column, and marks the place in its line", () => {
    const [error] = read("(ok)\n  (bad 12ab)", { file: "x.rtfs" }).errors;
    expect(error?.place).toEqual({ file: "x.rtfs", line: 2, column: 8 });
    expect(error?.details?.["excerpt"]).toBe("2 |   (bad 12ab)\n  |        ^^^^");
  });

  test("a mismatched bracket says what it should close, and where that was opened", () => {
    const [error] = read("(let [x 1)").errors;
    expect(error?.details?.["expected"]).toBe("], to close the [ at 1:6");
  });

  test("the excerpt of a very long line shows only what is around the place", () => {
    const [error] = read(`[${"1 ".repeat(100_000)}12ab ${"2 ".repeat(100_000)}]`).errors;
    expect(String(error?.details?.["excerpt"]).length).toBeLessThan(300);
    expect(String(error?.details?.["excerpt"])).toContain("12ab");
  });
});

describe("recovery", () => {
  test("reading goes on at the next top-level form, and reports every mistake", () => {
    const { forms, errors } = read('(a 1ab)\n(b)\n(c "\\q")\n(d)\n');
    expect(errors.map((error) => error.place?.line)).toEqual([1, 3]);
    expect(forms.map((form) => print(formToValue(form)))).toEqual(["(b)", "(d)"]);
  });

  test("a form left open does not hide the mistakes after it", () => {
    const { errors } = read("(a (b\n(c)\n(d 1ab)\n");
    expect(errors.map((error) => error.place?.line)).toContain(3);
  });

  test("at most 20 mistakes are reported", () => {
    expect(read("(1ab)\n".repeat(100)).errors).toHaveLength(20);
  });

  test("readProgram throws the first mistake and carries the others", () => {
    let thrown: unknown;
    try {
      readProgram("(1ab)\n(2ab)");
    } catch (error) {
      thrown = error;
    }
    expect(isCcosError(thrown) && thrown.details?.["more"]).toHaveLength(1);
  });
});

describe("bounds", () => {
  test.each(["(", "[", "{:a ", "'", "`", "~", "^", "#(", "^{} ", "(a "])(
    "100,000 times %s is an error, not a crash",
    (open) => {
      const { errors } = read(open.repeat(100_000));
      expect(errors[0]?.code).toBe("read-error");
    },
  );

  test("the nesting limit can be set", () => {
    expect(read("((()))", { maxNesting: 2 }).errors).toHaveLength(1);
    expect(read("((()))", { maxNesting: 3 }).errors).toEqual([]);
  });

  test("a string of 10 MB is read", () => {
    const text = `"${"x".repeat(10_000_000)}"`;
    expect(read(text).forms[0]).toMatchObject({ kind: "string", end: 10_000_002 });
  });

  test("reading any text throws nothing and reports only read-errors", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
        for (const error of read(text).errors) expect(error.code).toBe("read-error");
      }),
      { numRuns: 2_000 },
    );
    const tokens = fc.constantFrom(
      "(",
      ")",
      "[",
      "]",
      "{",
      "}",
      "'",
      "`",
      "~",
      "~@",
      "^",
      "#(",
      "#|",
      "|#",
      '"',
      "\\",
      ":",
      "@",
      "##",
      "a",
      "1",
      ".",
      "-",
      " ",
      "\n",
      ":k",
      ";",
      "&",
      "%",
    );
    fc.assert(
      fc.property(fc.array(tokens, { maxLength: 30 }), (parts) => {
        for (const error of read(parts.join("")).errors) expect(error.code).toBe("read-error");
      }),
      { numRuns: 3_000 },
    );
  });
});

test("printing a value and reading the text gives the value back", () => {
  fc.assert(
    fc.property(anyValue, fc.boolean(), (value, pretty) => {
      const { forms, errors } = read(print(value, { pretty, width: 20 }));
      expect(errors).toEqual([]);
      expect(forms).toHaveLength(1);
      const back = formToValue(forms[0] as (typeof forms)[number]);
      expect(print(back)).toBe(print(value));
      expect(equals(back, value)).toBe(true);
    }),
  );
});

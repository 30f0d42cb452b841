import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { read } from "../reader/reader.ts";
import { Source } from "../source.ts";
import { format } from "./format.ts";
import { sameForms } from "./same-forms.ts";
import { nextToken } from "./tokens.ts";

function formatted(text: string): string {
  const { text: result, errors } = format(text);
  expect(errors).toEqual([]);
  return result;
}

/** Lines as they are to be, without the indentation of this file. */
function lines(...text: string[]): string {
  return `${text.join("\n")}\n`;
}

describe("the style", () => {
  test("what fits and was on one line stays on it, with single spaces and without commas", () => {
    expect(formatted("(foo  a,b   [1,2 , 3]\t{:a   1, :b 2} )")).toBe("(foo a b [1 2 3] {:a 1 :b 2})\n");
  });

  test("bodies stand two columns in", () => {
    expect(formatted('(defn area\n[w h]\n"docs"\n(let [n 1,m 2]\n(* w h)))')).toBe(
      lines("(defn area", "  [w h]", '  "docs"', "  (let [n 1 m 2]", "    (* w h)))"),
    );
    expect(formatted("(try (risky)\n(catch e\n(log e) nil) (finally (done)))")).toBe(
      lines("(try", "  (risky)", "  (catch e", "    (log e)", "    nil)", "  (finally (done)))"),
    );
    expect(formatted("(if a\nb c)")).toBe(lines("(if a", "  b", "  c)"));
  });

  test("arguments stand under the first one, or two columns in where it has a line of its own", () => {
    expect(formatted("(merge a\nb\n  c)")).toBe(lines("(merge a", "       b", "       c)"));
    expect(formatted("(merge\na\nb)")).toBe(lines("(merge", "  a", "  b)"));
  });

  test("a call that is too long has an argument a line", () => {
    const long = "x".repeat(40);
    expect(formatted(`(merge ${long} ${long} ${long})`)).toBe(
      lines(`(merge ${long}`, `       ${long}`, `       ${long})`),
    );
  });

  test("a row of atoms that is too long is filled, whatever lines the source has", () => {
    const word = '"0123456789"';
    const row = `[:enum ${Array.from({ length: 12 }, () => word).join(" ")}]`;
    const result = formatted(`(def x\n  ${row.replace("[:enum", "[:enum\n")})`);
    expect(Math.max(...result.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(formatted(result)).toBe(result);
    expect(result.split("\n")).toHaveLength(5);
  });

  test("bindings, entries and clauses have a line each once one of them is broken", () => {
    expect(formatted("(let [a 1 b\n2] a)")).toBe(lines("(let [a 1", "      b", "        2]", "  a)"));
    expect(formatted("{:a 1 :b [1\n2]}")).toBe(lines("{:a 1", " :b [1", "     2]}"));
    expect(formatted("(cond a 1\n:else 2)")).toBe(lines("(cond", "  a 1", "  :else 2)"));
    expect(formatted("(match x 1 :a y when (> y 1)\n:b _ :c)")).toBe(
      lines("(match x", "  1 :a", "  y when (> y 1)", "    :b", "  _ :c)"),
    );
  });

  test("values stay in a column where the source has them so, and only there", () => {
    expect(formatted("{:a   1\n :long 2}")).toBe(lines("{:a    1", " :long 2}"));
    expect(formatted("{:a 1\n :long 2}")).toBe(lines("{:a 1", " :long 2}"));
    expect(formatted("(let [a : Int  1\n long 2] a)")).toBe(lines("(let [a : Int 1", "      long    2]", "  a)"));
    const key = `:${"k".repeat(60)}`;
    expect(formatted(`{:a   1\n ${key} 2}`)).toBe(lines("{:a 1", ` ${key} 2}`));
  });

  test("capabilities have a line for each key, types one for each entry", () => {
    expect(
      formatted(
        '(capability "a.b" :description "d"\n:input-schema [:map [:owner :string]\n[:tags [:vector :string]? ]\n[:n :int  ?]] :effects [:pure])',
      ),
    ).toBe(
      lines(
        '(capability "a.b"',
        '  :description "d"',
        "  :input-schema [:map [:owner :string]",
        "                      [:tags [:vector :string]?]",
        "                      [:n :int ?]]",
        "  :effects [:pure])",
      ),
    );
  });

  test("a type stays attached to its name, and apart where it is apart", () => {
    expect(formatted("(fn [x:int  y :int z : Int] : String (str x))")).toBe(
      "(fn [x:int y :int z : Int] : String (str x))\n",
    );
    expect(formatted("[:a:b]")).toBe("[:a :b]\n");
    expect(formatted('[1"x"]')).toBe('[1 "x"]\n');
  });

  test("~ and a value of the context are not drawn together into ~@", () => {
    expect(formatted("`(a ~ @user ~@others)")).toBe("`(a ~ @user ~@others)\n");
  });

  test("metadata stays before what it belongs to", () => {
    expect(formatted("^{:runtime.timeout  5}\n(call :a)")).toBe(lines("^{:runtime.timeout 5}", "(call :a)"));
    expect(formatted('(fn ^:delegation  :remote "m" [x]  x)')).toBe('(fn ^:delegation :remote "m" [x] x)\n');
  });

  test("strings keep their line ends and the spaces before them", () => {
    expect(formatted('(def  x "a  \n   b")')).toBe('(def x "a  \n   b")\n');
  });
});

describe("comments", () => {
  test("stay in place: at the end of a line, on lines of their own, within a line", () => {
    expect(formatted("(foo a ; one\n  b\n;; two\n c #| three |# d\n;; four\n)")).toBe(
      lines("(foo a ; one", "     b", "     ;; two", "     c #| three |# d", "     ;; four", "     )"),
    );
    expect(formatted("[ ; first\n1]")).toBe(lines("[; first", " 1]"));
    expect(formatted("(if #| then |# a b c)")).toBe(lines("(if #| then |# a", "  b", "  c)"));
    expect(formatted("; only")).toBe("; only\n");
  });

  test("at the ends of lines that follow one another stand in a column", () => {
    expect(formatted("(def a 1) ; x\n(def bcd 2)   ; y\n\n(def e 3)   ; z")).toBe(
      lines("(def a 1)   ; x", "(def bcd 2) ; y", "", "(def e 3) ; z"),
    );
  });
});

describe("blank lines", () => {
  test("stay between forms, at most one, and go at the ends", () => {
    expect(formatted("\n\n(def a 1)\n\n\n\n(def b 2)\n(def c 3)\n\n")).toBe(
      lines("(def a 1)", "", "(def b 2)", "(def c 3)"),
    );
    expect(formatted("(do\n\na\n\n\nb\n\n)")).toBe(lines("(do", "", "  a", "", "  b)"));
    expect(formatted(" \n ")).toBe("");
  });

  test("two definitions on a line get a line each", () => {
    expect(formatted("(def a 1) (def b 2) (+ a b) => 3")).toBe(lines("(def a 1)", "(def b 2)", "(+ a b) => 3"));
  });
});

describe("limits", () => {
  test("a text that cannot be read is refused with its errors, each with its place, and stays as it was", () => {
    const text = "(def a 1))\n(foo {:a})\n";
    const { text: same, errors } = format(text, { file: "a.rtfs" });
    expect(same).toBe(text);
    expect(errors.map(({ code, place }) => `${code} ${place?.file}:${place?.line}`)).toEqual([
      "read-error a.rtfs:1",
      "read-error a.rtfs:2",
    ]);
  });

  test("100,000 nested parentheses are refused, and deep nesting below the limit does not make a text grow without bounds", () => {
    expect(format("(".repeat(100_000) + ")".repeat(100_000)).errors[0]?.message).toMatch(/nest deeper than 500/);
    const long = "f".repeat(200);
    const text = `(${long} a `.repeat(450) + `(g\n${"x\n".repeat(2_000)})` + ")".repeat(450);
    expect(formatted(text).length).toBeLessThan(text.length * 40);
  });

  test("the time grows with the length", () => {
    const text = '(defn f [x] (let [y {:a 1 :b [x x x]}\n z "text"] ; comment\n (foo y z)))\n';
    const time = (times: number): number => {
      const whole = text.repeat(times);
      const start = performance.now();
      formatted(whole);
      return performance.now() - start;
    };
    time(500);
    expect(time(8_000) / time(1_000)).toBeLessThan(40);
  });
});

/** Source as nobody would write it: any forms, any white space, comments anywhere. */
const separator = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(" ", " ", "  ", ", ", "\n", "\n  ", "\n\n\n", "\r\n", "\t") },
  {
    weight: 1,
    arbitrary: fc.constantFrom(" ; note  \n", "\n;; own line\n", " #| in line |# ", "\n#| own\n  lines |#\n", ";\n"),
  },
);
const atom = fc.constantFrom(
  ...[
    "a",
    "b",
    "foo",
    "x:int",
    "x : Int",
    ":",
    "?",
    "&",
    "_",
    "when",
    ":k",
    ":int",
    ":as",
    "1",
    "-2.5",
    "##Inf",
    "nil",
    "true",
  ],
  ...[
    '"text"',
    '"two\nlines"',
    '"\\" ; no comment"',
    "@user",
    "@:name",
    "resource://a,b;c",
    "2024-05-06T07:08:09Z",
    "=>",
  ],
  ...["a-rather-long-name-that-takes-room", '"a rather long text that takes its room on the line"'],
);
const head = fc.constantFrom(
  ...[
    "let",
    "fn",
    "def",
    "defn",
    "if",
    "when",
    "cond",
    "match",
    "try",
    "catch",
    "do",
    "for",
    "step",
    "capability",
    "call",
    "->",
  ],
  ...["defstruct", "module", "λ", "(fn [x] x)", ":k", "", '"data"'],
);
const { form } = fc.letrec<{ form: string }>((tie) => {
  const forms = fc.array(fc.tuple(tie("form"), separator), { maxLength: 6 });
  const inner = (items: readonly (readonly [string, string])[]): string =>
    items.map(([item, space]) => item + space).join("");
  return {
    form: fc.oneof(
      { maxDepth: 5, depthSize: "small" },
      { weight: 3, arbitrary: atom },
      {
        weight: 3,
        arbitrary: fc.tuple(head, separator, forms).map(([first, space, items]) => `(${first}${space}${inner(items)})`),
      },
      { weight: 2, arbitrary: fc.tuple(separator, forms).map(([space, items]) => `[${space}${inner(items)}]`) },
      {
        weight: 2,
        arbitrary: fc
          .array(
            fc.tuple(fc.constantFrom(":a", ":key", '"s"', "7", ":a-longer-key"), separator, tie("form"), separator),
            { maxLength: 4 },
          )
          .map((entries) => `{${entries.map((parts) => parts.join("")).join("")}}`),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.constantFrom("'", "`", "~", "~@", "' ", "~ ", "'\n"), tie("form"))
          .map((parts) => parts.join("")),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.constantFrom("^{:a 1}", "^:delegation :local", '^:delegation\n:remote "m"'), separator, tie("form"))
          .map((parts) => parts.join("")),
      },
    ),
  };
});
const program = fc
  .array(fc.tuple(separator, form), { maxLength: 6 })
  .map((parts) => parts.map((part) => part.join("")).join(" "));

function comments(text: string): string[] {
  const source = new Source(text);
  const found: string[] = [];
  for (let token = nextToken(source, 0); token !== undefined; token = nextToken(source, token.end)) {
    if (token.kind.endsWith("comment")) found.push(text.slice(token.start, token.end).trimEnd());
  }
  return found;
}

describe("for any text that can be read", () => {
  const readable = program.filter((text) => read(text).errors.length === 0);

  test("formatting twice changes nothing", () => {
    fc.assert(
      fc.property(readable, (text) => {
        const once = formatted(text);
        expect(formatted(once)).toBe(once);
      }),
      { numRuns: 1_000 },
    );
  });

  test("the forms stay the same, and all comments are there in order", () => {
    fc.assert(
      fc.property(readable, (text) => {
        const result = formatted(text);
        expect(sameForms(read(text).forms, read(result).forms)).toBe(true);
        expect(comments(result)).toEqual(comments(text));
      }),
      { numRuns: 1_000 },
    );
  });

  test("lines end without spaces, unless in a string or comment, and the text with one line end", () => {
    fc.assert(
      fc.property(
        readable.filter((text) => !text.includes('"two') && !text.includes("#|")),
        (text) => {
          const result = formatted(text);
          expect(result).not.toMatch(/[ \t\r]\n|^\n|\n\n\n|\n\n$/);
          expect(result).toMatch(/^$|\n$/);
        },
      ),
      { numRuns: 200 },
    );
  });
});

test("any text at all is formatted or refused", () => {
  fc.assert(
    fc.property(fc.oneof(program, fc.string({ unit: "binary" })), (text) => {
      const { text: result, errors } = format(text);
      if (errors.length > 0) expect(result).toBe(text);
      else expect(format(result).text).toBe(result);
    }),
    { numRuns: 1_000 },
  );
});

describe("sameForms", () => {
  test.each([
    ["(a 1)", "(a 1 2)"],
    ["x:int", "x :int"],
    ["1", "1.0"],
    ['"a"', ":a"],
    ["{:a 1}", "{:a 2}"],
    ["'a", "`a"],
    ["-0.0", "0.0"],
    ["^{:a 1} x", "^{:a 2} x"],
  ])("tells %s from %s", (a, b) => {
    expect(sameForms(read(a).forms, read(b).forms)).toBe(false);
    expect(sameForms(read(a).forms, read(a).forms)).toBe(true);
  });
});

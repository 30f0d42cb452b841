import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compile } from "../evaluator/program.ts";
import { read, readProgram } from "../reader/reader.ts";
import { lint } from "./lint.ts";

/** Code, line:column and message of each warning, in order. */
function warnings(text: string, defined: readonly string[] = []): string[] {
  return lint(readProgram(text), { defined }).map(
    ({ code, place, message }) => `${code} ${place.line}:${place.column} ${message}`,
  );
}

function codes(text: string): string[] {
  return lint(readProgram(text)).map(({ code }) => code);
}

describe("a name that nothing defines", () => {
  test("is told with the nearest that is", () => {
    expect(warnings("(defn area [width]\n  (* widht 2))")).toEqual([
      'unknown-name 2:6 The name widht is not defined. Did you mean "width"?',
    ]);
    expect(warnings("(lenght [1])")).toEqual([
      'unknown-name 1:2 The name lenght is not defined. Did you mean "length"?',
    ]);
    expect(warnings("(.no-such 1)")[0]).toContain("The name no-such is not defined.");
  });

  test.each([
    ["a later definition", "(defn f [] (g)) (defn g [] 1)"],
    ["a definition within do or if", "(do (do (def a 1)) (if true (def b 2)) [a b])"],
    ["a local definition, in any order", "(defn f [] (defn g [] (h)) (defn h [] 1) (g))"],
    ["parameters, patterns and rest", '(fn [a {:keys [b] "c" c :as d} & e] [a b c d e])'],
    ["a function's own name", "(fn self [n] (self n))"],
    ["functions of one let, in any order", "(let [f (fn [n] (g n)) g (fn [n] (f n))] (f 1))"],
    [
      "for, dotimes, catch and match",
      "(for [x [1] y [2]] [x y]) (dotimes [i 2] i) (try 1 (catch e e)) (match 1 [a & r] [a r] {:k v} v (:as w z) [w z])",
    ],
    ["placeholders", "(map #(+ % %2) [1])"],
    ["parameters of a step", '(step "s" :params {"k" 1} (get %params "k"))'],
    ["a struct", "(defstruct P :x Int) (P {:x 1})"],
    ["a method", "(try 1 (catch e (.getMessage e)))"],
    ["special forms as values", "(map (fn [f] (f 1 2)) [and or])"],
    ["what the program puts in its context", '(context/set :who 1) (context/set "whom" 2) [who whom]'],
    [
      "what comes with a module",
      "(module m (:exports [a]) (def a 1)) (module n (import m :as x) (import m :only [a]) (def b [x/a a])) n/b m/a",
    ],
    ["what comes with a module of another file", "(module n (import other :as o) (def b (o/thing)))"],
    ["quoted and templated names", "'(nothing here) (quote none) `(a ~(inc 1) ~@[2] {:k b})"],
    ["metadata that says nothing to the language", "^{:author somebody} 1"],
    [
      "data forms",
      '(capability "a" :implementation (fn [x] nowhere)) (plan "p" :body (nowhere)) (resource db (property :k v))',
    ],
    ["a context lookup", "(get :whatever) (get whatever)"],
    ["a value of the context", "@user"],
    ["types", "(fn [x : Int y:string & z :int] : [:vector :int]? [x y z])"],
    ["a model's function", '(fn ^:delegation :remote "m" [x] x)'],
  ])("is not found where there is %s", (_what, text) => {
    expect(warnings(text)).toEqual([]);
  });

  test("is looked for in what is unquoted, in hints and in collections of loops", () => {
    expect(codes("`(a ~b)")).toEqual(["unknown-name"]);
    expect(codes("^{:runtime.timeout soon} 1")).toEqual(["unknown-name"]);
    expect(codes("(for [x xs] x)")).toEqual(["unknown-name"]);
    expect(codes("(for [x [1] y x] y)")).toEqual(["unknown-name"]);
    expect(codes("(module m (def a 1)) m/b")).toEqual(["unknown-name"]);
    expect(codes("constructor __proto__")).toEqual(["unknown-name", "unknown-name"]);
  });

  test("may be defined by whoever runs the program", () => {
    expect(warnings("(:n input)", ["input"])).toEqual([]);
    expect(codes("(:n input)")).toEqual(["unknown-name"]);
  });
});

describe("what a macro is given", () => {
  test("is not judged, and counts as used", () => {
    expect(warnings("(defmacro my-def [name v] `(def ~name ~v)) (my-def x (anything at all)) x")).toEqual([]);
    expect(warnings("(defmacro twice [f] `(do ~f ~f)) (let [a 1] (twice a))")).toEqual([]);
    expect(warnings("(defmacro it-plus [n] `(+ it ~n)) (let [it 1] (it-plus 2))")).toEqual([]);
  });

  test("is judged where a local name hides the macro", () => {
    expect(codes("(defmacro m [x] x) (let [m inc] (m nothing))")).toEqual(["unknown-name"]);
  });
});

describe("a binding of let that nothing uses", () => {
  test("is told at its name", () => {
    expect(warnings("(let [a 1\n      b 2]\n  a)")).toEqual([
      "unused-binding 2:7 The binding b is never used. If that is meant, begin its name with _.",
    ]);
    expect(codes("(let [n 1 n 2] n)")).toEqual(["unused-binding"]);
    expect(codes("(let [{:keys [a b] :as c} {}] a)")).toEqual(["unused-binding", "unused-binding"]);
    expect(codes("(let [x 1] (let [x 2] x))")).toEqual(["unused-binding"]);
    expect(codes("(let [x 1] 'x)")).toEqual(["unused-binding"]);
  });

  test("is fine where it is used anywhere, or begins with _", () => {
    expect(codes("(let [n 1 n (+ n 1)] n)")).toEqual([]);
    expect(codes("(let [_ 1 _b 2 [c _d] [1 2]] c)")).toEqual([]);
    expect(codes("(let [k 1] (get :k))")).toEqual([]);
    expect(codes("(let [a 1 b :int f (fn [] (+ a 1))] [b (f)])")).toEqual([]);
    expect(codes("(let [a 1] `(x ~a))")).toEqual([]);
    expect(codes('(let [x : Int 1 y :string "s" z:int 3] [x y z])')).toEqual([]);
  });

  test("is only looked for in let: parameters and clauses have the shape they must have", () => {
    expect(codes("(fn [a b] a) (dotimes [i 2] 1) (match [1 2] [a b] a) (try 1 (catch e 2))")).toEqual([]);
  });
});

describe("a clause that nothing reaches", () => {
  test("of match comes after one that takes everything, or has a literal for the second time", () => {
    expect(warnings("(match 1\n  x :all\n  2 :never)")).toEqual([
      "unreachable-clause 3:3 This clause is never reached: the pattern at 2:3 takes every value.",
    ]);
    expect(codes("(match 1 (:as a _) a 2 :never 3 :never)")).toEqual(["unreachable-clause", "unreachable-clause"]);
    expect(codes('(match 1 1 :a "1" :b 1.0 :c :k :d 1 :never :k :never)')).toEqual([
      "unreachable-clause",
      "unreachable-clause",
    ]);
  });

  test("of match is fine after a guard, or after a pattern that some values do not fit", () => {
    expect(codes("(match 1 x when (> x 1) :big x :small)")).toEqual([]);
    expect(codes("(match 1 1 when (inc 1) :a 1 :b)")).toEqual([]);
    expect(codes("(match 1 [a] a {:k b} b (:as c [_]) c _ 0)")).toEqual([]);
  });

  test("of cond comes after a condition that is always true", () => {
    expect(warnings("(cond (> 1 2) 1\n  :else 2\n  nil 3)")).toEqual([
      "unreachable-clause 3:3 This clause is never reached: the condition at 2:3 is always true.",
    ]);
    expect(codes("(cond nil 1 false 2 (inc 1) 3 :else 4)")).toEqual([]);
    expect(codes("(defn cond [a b c d] [a b c d]) (cond :a :b :c :d)")).toEqual([]);
  });
});

describe("a call with a wrong number of arguments", () => {
  test("is told for the library's functions and for keywords", () => {
    expect(warnings("(inc 1 2)")).toEqual(["wrong-arity 1:1 inc takes 1 argument; here it is given 2."]);
    expect(warnings("(count)")[0]).toContain("given none");
    expect(codes("(:k)")).toEqual(["wrong-arity"]);
    expect(codes("(:k {} 1 2)")).toEqual(["wrong-arity"]);
    expect(codes("(map #(inc % 1) [])")).toEqual(["wrong-arity"]);
    expect(codes("#(inc)")).toEqual(["wrong-arity"]);
    expect(codes("(.getMessage)")).toEqual(["wrong-arity"]);
  });

  test("counts what is threaded in", () => {
    expect(codes("(-> 1 inc (+ 2) str)")).toEqual([]);
    expect(codes("(->> [1] (map inc) (reduce +))")).toEqual([]);
    expect(codes("(-> 1 (inc 2))")).toEqual(["wrong-arity"]);
  });

  test("is not told where the program gives the name a meaning of its own", () => {
    expect(codes("(defn inc [a b] (+ a b)) (inc 1 2)")).toEqual([]);
    expect(codes("(inc 1 2) (def inc +)")).toEqual([]);
    expect(codes("(let [inc +] (inc 1 2))")).toEqual([]);
    expect(codes("(fn [count] (count))")).toEqual([]);
  });

  test("may be a special form's other meaning", () => {
    expect(codes('(get :k) (get {} :k) (get {} :k 1) (step :info "logged") (step "s" 1)')).toEqual([]);
    expect(codes("(get {} 1 2 3)")).toEqual(["wrong-arity"]);
  });
});

test("a type that is none is told, wherever a type may stand", () => {
  const text =
    "(fn [x : Wat] : Wut x)\n(let [y : Wot 1] y)\n(def z : [:vector] 1)\n(defstruct S :a Int :b Wit?)\n(deftype T Wet)";
  expect(lint(readProgram(text)).map(({ code, place }) => `${code} ${place.line}`)).toEqual([
    "type 1",
    "type 1",
    "type 2",
    "type 3",
    "type 4",
    "type 5",
  ]);
});

test("a program that threads a value through ten thousand calls is no danger", () => {
  expect(() => lint(readProgram(`(-> 1 ${"inc ".repeat(10_000)})`))).not.toThrow();
});

describe("for any program that the analyzer accepts", () => {
  const name = fc.constantFrom("a", "b", "inc", "_", "nowhere");
  const { form } = fc.letrec<{ form: string }>((tie) => {
    const inner = tie("form");
    const template = (...parts: readonly (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> =>
      fc
        .tuple(...parts.map((part) => (typeof part === "string" ? fc.constant(part) : part)))
        .map((texts) => texts.join(" "));
    return {
      form: fc.oneof(
        { maxDepth: 4, depthSize: "small" },
        fc.oneof(name, fc.constantFrom("1", ":a", "nil", '"s"', "@u", "'(a b)", "[]")),
        template("(let [", name, inner, "[ a & b ]", inner, "]", inner, ")"),
        template("(let [ {:keys [a] :as", name, "} : Int", inner, "]", inner, ")"),
        template("(fn [", name, ": Int & b ]", inner, ")"),
        template("(do (defn", name, "[ a ]", inner, ")", inner, ")"),
        template("(match", inner, name, "when", inner, inner, "1", inner, "{:k a}", inner, ")"),
        template("(cond", inner, inner, ":else", inner, ")"),
        template("(try", inner, "(catch", name, inner, ") (finally", inner, "))"),
        template("(for [", name, inner, "]", inner, ")"),
        template("(-> ", inner, "inc (str", inner, "))"),
        template('(step "s" :params {:k', inner, "}", inner, ")"),
        template("`(a ~", inner, "~@", inner, "{:k ~", inner, "})"),
        template("(do (defmacro m [ a ] `(do ~a b)) (m", inner, "))"),
        template("(", name, inner, ")"),
        template("#(vector %", inner, ")"),
        template("{:k", inner, "}"),
      ),
    };
  });

  test("every warning has a place in the text, and nothing is thrown", () => {
    let judged = 0;
    fc.assert(
      fc.property(form, (text) => {
        const { forms, errors, source } = read(text);
        if (errors.length > 0) return;
        try {
          compile(forms);
        } catch {
          return;
        }
        judged++;
        for (const { place, message } of lint(forms)) {
          expect(source.line(place.line).length).toBeGreaterThanOrEqual(place.column);
          expect(message).toMatch(/[.?]$/);
        }
      }),
      { numRuns: 2_000 },
    );
    expect(judged).toBeGreaterThan(1_000);
  });

  test("a binding that is told to be unused may be named anything else", () => {
    fc.assert(
      fc.property(form, (text) => {
        const { forms, errors } = read(text);
        const unused = errors.length > 0 ? undefined : lint(forms).find(({ code }) => code === "unused-binding");
        if (unused === undefined) return;
        const at = unused.place.column - 1;
        const renamed = lint(readProgram(`${text.slice(0, at)}_never${text.slice(at + 1)}`));
        expect(renamed.filter(({ code }) => code === "unknown-name").length).toBe(
          lint(forms).filter(({ code }) => code === "unknown-name").length,
        );
      }),
      { numRuns: 2_000 },
    );
  });
});

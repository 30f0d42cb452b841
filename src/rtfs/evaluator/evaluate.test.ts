import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { CcosError, isCcosError, systemClock, type Clock } from "../../kernel/index.ts";
import type { Host } from "../host.ts";
import { print } from "../printer.ts";
import { keyword, RtfsMap, vector, type Value } from "../values.ts";
import { callFunction, compile, evaluate, Workspace, type EvaluateOptions } from "./program.ts";
import { readProgram } from "../reader/reader.ts";

async function failure(text: string, options: EvaluateOptions = {}): Promise<CcosError> {
  try {
    await evaluate(text, options);
  } catch (error) {
    if (isCcosError(error)) return error;
    throw error;
  }
  throw new Error(`${text} did not fail`);
}

/** Never yields, however slow the machine. */
function evaluateNow(
  text: string,
  options: EvaluateOptions & { readonly workspace?: Workspace } = {},
): Value | Promise<Value> {
  return evaluate(text, { ...options, sliceMs: Number.POSITIVE_INFINITY });
}

const slowHost: Host = { call: (_id, args) => Promise.resolve().then(() => args[0] ?? null) };

describe("synchronous and asynchronous", () => {
  test("a pure program gives its value at once", () => {
    const clock: Clock = { ...systemClock, monotonic: () => 0 };
    expect(evaluate("(reduce + (map inc (range 1000)))", { clock })).toBe(500_500);
  });

  test("a host that answers at once keeps it so", () => {
    expect(
      evaluateNow('(map (fn [x] (call "x" x)) [1 2])', { host: { call: (_id, [x]) => x ?? null } }),
    ).not.toBeInstanceOf(Promise);
  });

  test("a host that answers later makes the result a promise, wherever the call stands", async () => {
    const result = evaluate('(reduce (fn [a x] (+ a (call "x" x))) 0 (map (fn [x] (call "x" (inc x))) [1 2 3]))', {
      host: slowHost,
    });
    expect(result).toBeInstanceOf(Promise);
    expect(await result).toBe(9);
  });

  test("runs that wait at the same time do not disturb each other", async () => {
    const program = compile(
      readProgram('(defn f [n] (if (= n 0) input (let [x (call "x" n)] (+ (f (dec n)) (- x x))))) (f 50)'),
    );
    const results = await Promise.all(
      [1, 2, 3, 4].map(async (input) => program.run({ host: slowHost, bindings: new Map([["input", input]]) })),
    );
    expect(results).toEqual([1, 2, 3, 4]);
  });

  test("a host function may evaluate, at once and nested deep", () => {
    const host: Host = {
      call: (_id, [n]) =>
        n === 0 ? 0 : evaluate(`(+ 1 (call "x" ${Number(n) - 1}))`, { host, sliceMs: Number.POSITIVE_INFINITY }),
    };
    expect(evaluateNow('(call "x" 100)', { host })).toBeInstanceOf(Promise);
    expect(evaluateNow('(call "x" 3)', { host })).toBe(3);
  });

  test("a thousand host functions that evaluate within each other do not overflow the stack", async () => {
    const host: Host = {
      call: (_id, [n]) =>
        n === 0 ? 0 : evaluate(`(+ 1 (call "x" ${Number(n) - 1}))`, { host, sliceMs: Number.POSITIVE_INFINITY }),
    };
    expect(await evaluate('(call "x" 1000)', { host })).toBe(1000);
  });

  test("a long pure program lets the event loop run", async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await evaluate("(dotimes [i 3000000] (* i i))", { sliceMs: 2 });
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(0);
  });

  test.each([
    ["reads long texts", '(let [s (join "" (range 100000))] (dotimes [i 100] (upper s)))'],
    ["copies long vectors", "(let [v (range 100000)] (reduce (fn [_ i] (count (reverse v))) 0 (range 100)))"],
    ["searches long vectors", "(let [v (range 100000)] (map (fn [i] (contains? v -1)) (range 100)))"],
    ["writes large values", "(let [v (range 50000)] (dotimes [i 20] (serialize-json v)))"],
  ])("a program that %s lets the event loop run, although each call takes more than its slice", async (_what, text) => {
    let turns = 0;
    let over = false;
    const turn = (): void => {
      turns++;
      if (!over) setImmediate(turn);
    };
    setImmediate(turn);
    await evaluate(text, { sliceMs: 0 });
    over = true;
    expect(turns).toBeGreaterThan(10);
  });

  test("with an endless slice it never yields", () => {
    expect(evaluateNow("(reduce + (range 300000))")).toBe(44_999_850_000);
  });
});

describe("depth", () => {
  test.each([
    ["calls", "(defn f [n] (if (= n 0) 0 (+ 1 (f (dec n))))) (f 9000)", 9000],
    ["let", "(defn f [n] (if (= n 0) 0 (let [a (let [b (f (dec n))] (+ b 1))] a))) (f 9000)", 9000],
    ["map", "(defn f [n] (if (= n 0) 0 (+ 1 (first (map (fn [x] (f x)) [(dec n)]))))) (f 4900)", 4900],
    ["reduce", "(defn f [n] (if (= n 0) 0 (reduce (fn [a x] (+ a (f x))) 1 [(dec n)]))) (f 4900)", 4900],
    ["sort", "(defn f [n] (if (= n 0) 0 (do (sort (fn [a b] (f (dec n)) false) [1 2]) n))) (f 4900)", 4900],
    ["try", "(defn f [n] (if (= n 0) 0 (try (+ 1 (f (dec n))) (catch e 0) (finally 1)))) (f 9000)", 9000],
    ["match", "(defn f [n] (match n 0 0 m (+ 1 (f (dec m))))) (f 9000)", 9000],
    ["for", "(defn f [n] (if (= n 0) 0 (+ 1 (first (for [x [n]] (f (dec x))))))) (f 9000)", 9000],
    ["update", "(defn f [n] (if (= n 0) 0 (:k (update {:k n} :k (fn [x] (+ 1 (f (dec x)))))))) (f 4900)", 4900],
    ["apply", "(defn f [n] (if (= n 0) 0 (+ 1 (apply f [(dec n)])))) (f 9000)", 9000],
  ])("%s nest 5,000 deep and more", async (_name, text, expected) => {
    expect(await evaluate(text)).toBe(expected);
  });

  test("a host call at the bottom of a deep recursion is waited for", async () => {
    const text = '(defn f [n] (if (= n 0) (call "x" 7) (+ 1 (f (dec n))))) (f 6000)';
    expect(await evaluate(text, { host: slowHost })).toBe(6007);
  });

  test("an error crosses a deep recursion to the catch around it", async () => {
    const text = '(defn f [n] (if (= n 0) (throw "deep") (+ 1 (f (dec n))))) (try (f 6000) (catch e (getMessage e)))';
    expect(await evaluate(text)).toBe("deep");
  });

  test("endless recursion is an error, and cannot be caught", async () => {
    const error = await failure("(defn f [n] (try (f (inc n)) (catch e 1))) (f 0)");
    expect(error.code).toBe("interrupted");
    expect(error.details).toMatchObject({ limit: "maxDepth", kind: "StackOverflow" });
  });

  test("forms nested to the reader's limit are evaluated", () => {
    const nested = (open: string, inner: string, close: string, times: number): string =>
      open.repeat(times) + inner + close.repeat(times);
    expect(evaluateNow(nested("(+ 1 ", "0", ")", 499))).toBe(499);
    expect(evaluateNow(nested("(let [a ", "1", "] a)", 249))).toBe(1);
    expect(evaluateNow(nested("((fn [x] ", "1", ") 1)", 249))).toBe(1);
    expect(evaluateNow(nested("(try ", "1", " (catch e 2))", 499))).toBe(1);
    expect(evaluateNow(nested("(match 1 x ", "1", ")", 499))).toBe(1);
    expect(evaluateNow(nested("(for [x [1]] ", "1", ")", 3))).toEqual(vector([vector([vector([1])])]));
  });

  test("a deep expression within a deep recursion stays within the stack", async () => {
    const body = "(+ 0 ".repeat(400) + "(f (dec n))" + ")".repeat(400);
    expect(await evaluate(`(defn f [n] (if (= n 0) 0 ${body})) (f 2000)`)).toBe(0);
  });
});

describe("limits", () => {
  test.each([
    ["steps", "(dotimes [i 1000000000] i)", { maxSteps: 10_000 }, "maxSteps"],
    ["steps of library loops", "(reduce + (range 5000000))", { maxSteps: 10_000 }, "maxSteps"],
    ["time", "(dotimes [i 1000000000000] i)", { timeoutMs: 20 }, "timeoutMs"],
    ["depth", "(defn f [n] (+ 1 (f n))) (f 0)", { maxDepth: 100 }, "maxDepth"],
    ["the size of a range", "(range 100000000)", {}, "maxCollectionSize"],
    ["the size of a text", '(reduce (fn [s i] (str s s)) "ab" (range 100))', {}, "maxCollectionSize"],
    ["a vector that grows", "(reduce conj [] (range 100000))", { maxCollectionSize: 50_000 }, "maxCollectionSize"],
    [
      "a vector that a loop builds",
      "(for [x (range 1000) y (range 1000)] 0)",
      { maxCollectionSize: 50_000 },
      "maxCollectionSize",
    ],
    [
      "a map that grows",
      "(reduce (fn [m i] (assoc m i i)) {} (range 100000))",
      { maxCollectionSize: 50_000 },
      "maxCollectionSize",
    ],
  ])("%s are bounded, and no catch helps", async (_name, text, limits, limit) => {
    const error = await failure(`(try ${text} (catch e :caught))`, { limits });
    expect(error.code).toBe("interrupted");
    expect(error.details).toMatchObject({ limit });
  });

  test("exactly as many steps as allowed may be taken", () => {
    expect(evaluateNow("(dotimes [i 100] i)", { limits: { maxSteps: 100 } })).toBe(99);
  });

  test("finally still runs after an interruption, within a budget of its own", async () => {
    const seen: Value[] = [];
    const host: Host = {
      call: (_id, args) => {
        seen.push(args[0] ?? null);
        return null;
      },
    };
    const error = await failure('(try (dotimes [i 1000000000] i) (finally (call "clean" 1)))', {
      host,
      limits: { maxSteps: 1000 },
    });
    expect(error.code).toBe("interrupted");
    expect(seen).toEqual([1]);
  });

  test("a finally that never ends is interrupted too", async () => {
    const endless = "(dotimes [i 1000000000] i)";
    const error = await failure(`(try (try ${endless} (finally ${endless})) (finally ${endless}))`, {
      limits: { maxSteps: 1000 },
    });
    expect(error.code).toBe("interrupted");
  });

  test("time runs while the host is waited for", async () => {
    const error = await failure('(try (call "x") (catch e 1))', {
      host: { call: () => new Promise(() => {}) },
      limits: { timeoutMs: 10 },
    });
    expect(error.details).toMatchObject({ limit: "timeoutMs" });
  });

  test("an aborted signal ends a run that computes, and one that waits", async () => {
    for (const text of ["(dotimes [i 1000000000000] i)", '(try (call "x") (catch e 1))']) {
      const controller = new AbortController();
      const result = failure(text, { signal: controller.signal, host: { call: () => new Promise(() => {}) } });
      controller.abort();
      expect((await result).code).toBe("canceled");
    }
  });

  test("a million items are a value", async () => {
    expect(await evaluate("(count (sort (map inc (range 1000000))))")).toBe(1_000_000);
  });

  test("data nested a hundred thousand deep can be built, compared, printed, and refused by JSON", async () => {
    const deep = "(reduce (fn [a i] [a]) [] (range 100000))";
    expect(await evaluate(`(= ${deep} ${deep})`)).toBe(true);
    expect(await evaluate(`(string-length (str ${deep}))`)).toBe(200_002);
    expect((await failure(`(serialize-json ${deep})`)).details).toMatchObject({ kind: "JsonError" });
  });
});

describe("errors", () => {
  test("an error tells where it arose, in which calls, and marks the place", async () => {
    const error = await failure('(defn g [x]\n  (+ x "a"))\n(defn f [x] (inc (g x)))\n(f 1)');
    expect(error).toMatchObject({
      code: "eval-error",
      message: "Type error in +: expected number, got string",
      place: { line: 2, column: 3 },
      details: {
        kind: "TypeError",
        stack: [
          { name: "g", line: 3, column: 18 },
          { name: "f", line: 4, column: 1 },
        ],
        excerpt: '2 |   (+ x "a"))\n  |   ^^^^^^^^^',
      },
    });
  });

  test("an error holds what was thrown as plain JSON, large integers as text", async () => {
    const error = await failure('(throw {:a 9223372036854775807 "__proto__" [1.5 :k]})');
    expect(JSON.parse(JSON.stringify(error)).details.data).toEqual(
      JSON.parse('{"__proto__": [1.5, "k"], "a": "9223372036854775807"}'),
    );
  });

  test("an unknown name comes with those it may have meant", async () => {
    expect((await failure("(defn greeting [] 1) (greting)")).message).toBe(
      'Undefined symbol: greting. Did you mean "greeting"?',
    );
  });

  test("a failure of the host that nobody catches is thrown as itself", async () => {
    const rejected = new CcosError("rejected", "no such repo", { remedy: "Check the name.", details: { status: 404 } });
    const error = await failure('(do (call "x"))', { host: { call: () => Promise.reject(rejected) } });
    expect(error).toMatchObject({
      code: "rejected",
      message: "no such repo",
      remedy: "Check the name.",
      details: { status: 404 },
    });
    expect(error.place).toMatchObject({ line: 1, column: 5 });
  });

  test("a foreign failure of the host can be caught like any other", async () => {
    const host: Host = { call: () => Promise.reject(new TypeError("boom")) };
    expect(await evaluate('(try (call "x") (catch e (:code e)))', { host })).toBe(keyword("internal"));
  });

  test("with strictCatch the kind named in a catch selects", async () => {
    const text = "(try (/ 1 0) (catch TypeError e 1) (catch DivisionByZero e 2))";
    expect(evaluateNow(text)).toBe(1);
    expect(evaluateNow(text, { strictCatch: true })).toBe(2);
    const host: Host = { call: () => Promise.reject(new CcosError("rejected", "no")) };
    expect(
      await evaluate('(try (call "x") (catch RuntimeError e 1) (catch HostError e 2))', { host, strictCatch: true }),
    ).toBe(2);
  });

  test("without a host a call is refused", async () => {
    expect((await failure('(call "x")')).details).toMatchObject({ kind: "SecurityViolation" });
  });
});

describe("no way out", () => {
  test.each([
    "constructor",
    "__proto__",
    "process",
    "globalThis",
    "toString",
    "valueOf",
    "prototype",
    "require",
    "hasOwnProperty",
  ])("%s is just an unknown name", async (name) => {
    expect((await failure(name)).details).toMatchObject({ kind: "UndefinedSymbol" });
    expect((await failure(`(${name} 1)`)).details).toMatchObject({ kind: "UndefinedSymbol" });
    expect((await failure(`(.${name} "x")`)).details).toMatchObject({ kind: "UndefinedSymbol" });
    expect(
      evaluateNow(`[(:${name} {}) (get {} "${name}") (get (Exception. "m") :${name}) (contains? {} "${name}")]`),
    ).toEqual(vector([null, null, null, false]));
    expect(print(evaluateNow(`(parse-json "{\\"${name}\\": 1}")`) as Value)).toBe(`{"${name}" 1}`);
  });
});

describe("the host", () => {
  test("hears of steps", () => {
    const step = vi.fn();
    void evaluate('(step "a" 1) (try (step "b" (throw "x")) (catch e 1))', { host: { call: () => null, step } });
    expect(step.mock.calls.map(([event]) => event)).toEqual([
      { phase: "started", name: "a" },
      { phase: "completed", name: "a" },
      { phase: "started", name: "b" },
      { phase: "failed", name: "b" },
    ]);
  });

  test("is given the hints in force at each call, nested and after an error", async () => {
    const seen: string[] = [];
    const host: Host = {
      call: (_id, _args, hints) => {
        seen.push([...hints].map(([name, value]) => `${name}=${print(value)}`).join(" "));
        return Promise.resolve(null);
      },
    };
    const text =
      '^{:runtime.a 1 :doc "x"} (do (call "x") ^{:runtime.b 2} (call "x") (try ^{:runtime.c 3} (throw "x") (catch e (call "x"))))';
    await evaluate(`(do ${text} (call "x"))`, { host });
    expect(seen).toEqual(["runtime.a=1", "runtime.a=1 runtime.b=2", "runtime.a=1", ""]);
  });
});

describe("programs", () => {
  test("one program runs many times, each with globals of its own", () => {
    const program = compile(readProgram("(def n (+ input 1)) n"));
    const run = (input: number): unknown =>
      program.run({ bindings: new Map([["input", input]]), sliceMs: Number.POSITIVE_INFINITY });
    expect([run(1), run(5)]).toEqual([2, 6]);
  });

  test("a function outlives its run and can be called with another host", async () => {
    const fn = (await evaluate('(def k 10) (fn [x] (+ k (call "x" (:n x))))')) as Value;
    const input = RtfsMap.of([[keyword("n"), 5]]);
    expect(await callFunction(fn, [input], { host: slowHost })).toBe(15);
  });

  test("programs of one workspace share definitions and macros", () => {
    const workspace = new Workspace();
    void evaluate("(def a 1) (defmacro twice [x] `(+ ~x ~x)) (defn f [] (g))", { workspace });
    void evaluate("(defn g [] (twice a))", { workspace });
    expect(evaluateNow("(f)", { workspace })).toBe(2);
    expect(workspace.defined()).toEqual(expect.arrayContaining(["a", "f", "g", "twice"]));
  });
});

test("any program under a budget ends, and fails only with errors of the language", async () => {
  const names = fc.constantFrom(
    "x",
    "y",
    "f",
    "inc",
    "+",
    "map",
    "reduce",
    "str",
    "let",
    "fn",
    "if",
    "do",
    "for",
    "try",
    "catch",
    "match",
    "def",
    "defn",
    "&",
    "_",
    "loop",
    "when",
    "cond",
    "->",
    "sort",
    "range",
    "call",
    "quote",
    "step",
    "dotimes",
    "apply",
    "update",
    "get",
    "conj",
    "throw",
    "defmacro",
  );
  const { program } = fc.letrec<{ program: string }>((tie) => ({
    program: fc.oneof(
      { depthSize: "medium", withCrossShrink: true },
      names,
      fc.constantFrom("1", "0", "2.5", '"s"', ":k", "nil", "true", "[]", "{}", "1000000", "%"),
      fc.array(tie("program"), { maxLength: 5 }).map((parts) => `(${parts.join(" ")})`),
      fc.array(tie("program"), { maxLength: 4 }).map((parts) => `[${parts.join(" ")}]`),
      tie("program").map((part) => `{:k ${part}}`),
      tie("program").map((part) => `'${part}`),
      tie("program").map((part) => `\`(~${part})`),
      tie("program").map((part) => `#(${part})`),
    ),
  }));
  const host: Host = { call: (id, args) => (args.length > 1 ? Promise.resolve(args[0] ?? null) : id) };
  await fc.assert(
    fc.asyncProperty(program, async (text) => {
      try {
        print(
          await evaluate(text, { host, limits: { maxSteps: 20_000, timeoutMs: 2_000, maxCollectionSize: 100_000 } }),
        );
      } catch (error) {
        if (!isCcosError(error) || error.code === "internal") throw error;
      }
    }),
    { numRuns: 3_000 },
  );
});

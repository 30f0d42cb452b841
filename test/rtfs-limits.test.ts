import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createFakeClock } from "../testing/index.ts";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEnvironment } from "../src/environment.ts";
import { CcosError, isCcosError } from "../src/kernel/index.ts";
import {
  evaluate,
  print,
  read,
  toJson,
  toJsonText,
  vector,
  type EvaluateOptions,
  type Value,
} from "../src/rtfs/index.ts";
import { repository, runProcess } from "./run-process.ts";

// Programs that would run for ever, fill the memory, or overflow the stack, if nothing stopped them. Each must
// end with a value or with a clear error of ours, soon, whether or not it tries to catch what ends it.

async function outcome(program: string, options: EvaluateOptions = {}): Promise<Value | CcosError> {
  try {
    return await evaluate(program, options);
  } catch (error) {
    if (isCcosError(error)) return error;
    throw error;
  }
}

const describeOutcome = (result: Value | CcosError): string =>
  result instanceof CcosError
    ? `${result.code} ${String(result.details?.["limit"] ?? result.details?.["kind"] ?? "")}`.trim()
    : "value";

const caught = (program: string): string => `(try ${program} (catch e :caught) (finally :done))`;

/** Doubles a value thirty times and more: a few vectors, that stand for 2^40 items. */
const vast = "(reduce (fn [a i] [a a]) [1] (range 40))";
const big = "(range 3000000)";
const longText = '(reduce (fn [s i] (str s s)) "abcdefgh" (range 20))';

describe("each limit has an error of its own, which no catch sees", () => {
  test.each([
    ["steps", "(dotimes [i 1000000000] i)", { maxSteps: 10_000 }, "maxSteps"],
    ["steps of step-loop in a loop", "(dotimes [i 1000000] (step-loop true 1))", { maxSteps: 10_000 }, "maxSteps"],
    ["depth", "(do (defn f [n] (+ 1 (f n))) (f 0))", {}, "maxDepth"],
    ["depth through map", "(do (defn f [n] (map f [n])) (f 0))", {}, "maxDepth"],
    ["depth between two functions", "(do (defn f [n] (g n)) (defn g [n] (let [x (f n)] x)) (f 0))", {}, "maxDepth"],
    ["time", "(dotimes [i 1000000000000] i)", { timeoutMs: 30, maxSteps: Number.MAX_SAFE_INTEGER }, "timeoutMs"],
    ["a collection", "(range 100000000)", {}, "maxCollectionSize"],
    ["a map", "(reduce (fn [m i] (assoc m i i)) {} (range 20000))", { maxCollectionSize: 10_000 }, "maxCollectionSize"],
    ["a text", '(reduce (fn [s i] (str s s)) "ab" (range 100))', {}, "maxCollectionSize"],
    ["a joined text", `(join ${longText} (range 100))`, {}, "maxCollectionSize"],
    ["a text of texts", `(let [s ${longText}] (str s s s))`, {}, "maxCollectionSize"],
    ["a text of a vast value", `(str ${vast})`, { maxCollectionSize: 200_000 }, "maxCollectionSize"],
    ["JSON of a vast value", `(serialize-json ${vast})`, { maxCollectionSize: 200_000 }, "maxCollectionSize"],
    ["groups of vast values", `(group-by (fn [x] x) [${vast}])`, { maxCollectionSize: 200_000 }, "maxCollectionSize"],
    ["frequencies of vast values", `(frequencies [${vast}])`, { maxCollectionSize: 200_000 }, "maxCollectionSize"],
    [
      "memory",
      "(reduce (fn [a i] (conj a (range 1000))) [] (range 100000))",
      { maxHeapGrowth: 50_000_000 },
      "maxHeapGrowth",
    ],
    [
      "memory of library calls in a row",
      `[${"(range 100000)".repeat(500)}]`,
      { maxHeapGrowth: 50_000_000 },
      "maxHeapGrowth",
    ],
    ["comparing vast values", `(= ${vast} ${vast})`, { maxSteps: 1_000_000 }, "maxSteps"],
    [
      "comparing vast values, by time",
      `(= ${vast} ${vast})`,
      { timeoutMs: 100, maxSteps: Number.MAX_SAFE_INTEGER },
      "timeoutMs",
    ],
    ["sorting vast values", `(sort [${vast} ${vast}])`, { maxSteps: 1_000_000 }, "maxSteps"],
    ["finding vast values", `(contains? [${vast}] ${vast})`, { maxSteps: 1_000_000 }, "maxSteps"],
    ["distinct vast values", `(distinct [${vast} ${vast}])`, { maxSteps: 1_000_000 }, "maxSteps"],
    ["matching vast values", `(match ${vast} [${"[1]"}] 1 x (= x ${vast}))`, { maxSteps: 1_000_000 }, "maxSteps"],
    [
      "checking the type of vast values",
      `(let [x : ${"[:vector ".repeat(40)}[:vector :int]${"]".repeat(40)} ${vast}] 1)`,
      { maxSteps: 1_000_000 },
      "maxSteps",
    ],
    ["distinct vectors", "(distinct (map (fn [i] [i]) (range 100000)))", { maxSteps: 1_000_000 }, "maxSteps"],
    [
      "library calls in a row",
      `(do (def b ${big}) ${"(contains? b -1)".repeat(2_000)})`,
      { maxSteps: 10_000_000 },
      "maxSteps",
    ],
    [
      "library calls on a long text",
      `(do (def s ${longText}) (dotimes [i 100000] (nth s 0)))`,
      { maxSteps: 1_000_000 },
      "maxSteps",
    ],
    [
      "merging the same map again and again",
      "(let [m (reduce (fn [m i] (assoc m i i)) {} (range 20000))] (apply merge (map (fn [i] m) (range 10000))))",
      { maxSteps: 2_000_000 },
      "maxSteps",
    ],
    [
      "a regular expression over a long text",
      `(do (def s ${longText}) (dotimes [i 10000] (re-find "x+y" s)))`,
      { maxSteps: 2_000_000 },
      "maxSteps",
    ],
  ] as const)("%s", async (_what, program, limits, limit) => {
    const started = performance.now();
    for (const text of [program, caught(program)]) {
      const result = await outcome(text, { limits });
      expect(describeOutcome(result)).toBe(`interrupted ${limit}`);
      expect((result as CcosError).remedy).toContain(limit);
    }
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  test("nesting of source", () => {
    for (const bracket of ["()", "[]", "{}", "#()", "''", "~@", "^{}"]) {
      const [open = ""] = bracket.startsWith("#") || bracket.length === 3 ? [bracket.slice(0, -1)] : bracket;
      const { forms, errors } = read(open.repeat(100_000));
      expect(forms).toEqual([]);
      expect(errors[0]?.code).toBe("read-error");
      expect(errors[0]?.message).toMatch(/Forms nest deeper than 500 levels|short function|key of a map|no value/);
    }
  });

  test("the value of a run, as text or as JSON", async () => {
    const value = await evaluate(vast);
    const small = vector([1, 2, 3]);
    for (const write of [
      (v: Value, size: number) => print(v, { maxLength: size }),
      (v: Value, size: number) => print(v, { maxLength: size, pretty: true }),
      (v: Value, size: number) => toJsonText(v, { maxLength: size }),
      (v: Value, size: number) => toJsonText(v, { maxLength: size, indent: 2 }),
      (v: Value, size: number) => toJson(v, { maxSize: size }),
    ]) {
      expect(() => write(value, 100_000)).toThrow(
        expect.objectContaining({ code: "interrupted", details: { limit: "maxOutputSize" } }),
      );
      expect(() => write(small, 100)).not.toThrow();
      expect(() => write(small, 2)).toThrow(/maxOutputSize|larger than 2/);
    }
    await using env = await createEnvironment({ capabilities: [], env: {} });
    const refused = await env.run(vast, { limits: { maxOutputSize: 1_000_000 } }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "interrupted", details: { limit: "maxOutputSize" } });
    expect(await env.run("[1 2]", { limits: { maxOutputSize: 100 } })).toEqual([1, 2]);
  });

  test("what a program hands to a capability", async () => {
    await using env = await createEnvironment({ capabilities: [], env: {} });
    const refused = await env.run(`(call "ccos.json.stringify" ${vast})`).catch((error: unknown) => error);
    expect(isCcosError(refused)).toBe(true);
  });
});

describe("whatever is thrown at it, a value or a clear error", () => {
  test.each([
    ["a vector of a million items", `[${"1 ".repeat(1_000_000)}]`, "value"],
    [
      "a map of a hundred thousand entries",
      `{${Array.from({ length: 100_000 }, (_, i) => `:k${i} ${i}`).join(" ")}}`,
      "value",
    ],
    ["a string of 10 MB", `"${"x".repeat(10_000_000)}"`, "value"],
    ["work on a string of 10 MB", `(string-length (string-upper "${"x".repeat(9_999_990)}"))`, "value"],
    ["a name of 10 MB", "x".repeat(10_000_000), "eval-error UndefinedSymbol"],
    ["a keyword of 10 MB", `:${"x".repeat(10_000_000)}`, "value"],
    ["an integer of 10 MB", "1".repeat(10_000_000), "read-error"],
    ["a number that a pattern could backtrack on", `(parse-float "${"1".repeat(1_000_000)}x")`, "value"],
    ["a thrown text of 10 MB", `(throw "${"x".repeat(9_000_000)}")`, "eval-error ApplicationError"],
    ["a thrown vast value", `(throw (Exception. "m" ${vast}))`, "eval-error ApplicationError"],
    ["a match of a vast value", `(match [${vast}] [1] 1)`, "eval-error MatchError"],
    ["a million calls in a row", `(do ${"(inc 1)".repeat(300_000)})`, "value"],
    ["a call with many arguments", `(+ ${"1 ".repeat(100_000)})`, "value"],
    [
      "a function with many parameters",
      `((fn [${Array.from({ length: 3_000 }, (_, i) => `p${i}`).join(" ")}] p9) ${"1 ".repeat(3_000)})`,
      "value",
    ],
    ["apply to very many", "(apply + (range 1000000))", "eval-error ResourceError"],
    ["a power beyond measure", "(pow 2 9000000000000000000)", "eval-error IntegerOverflow"],
    ["a factorial beyond measure", "(factorial 9000000000000000000)", "eval-error IntegerOverflow"],
    [
      "a repetition that would explode",
      '(re-find "((((a{1000}){1000}){1000}){1000}){1000}" "a")',
      "eval-error InvalidArgument",
    ],
    ["a pattern of a million alternatives", `(re-find "${"a|".repeat(500_000)}b" "b")`, "value"],
    ["a pattern that backtracking would never end", `(re-find "(a+)+$" "${"a".repeat(100_000)}b")`, "value"],
    ["a macro that expands without end", "(do (defmacro m [] `(m)) (m))", "read-error"],
    ["a macro that doubles", `(do (defmacro m [x] \`[~x ~x]) ${"(m ".repeat(30)}1${")".repeat(30)})`, "read-error"],
    ["functions nested in functions", `${"((fn [x] ".repeat(150)}x${") 1)".repeat(150)}`, "value"],
    ["lets nested in lets", `${"(let [x 1] ".repeat(400)}x${")".repeat(400)}`, "value"],
  ])("%s", async (_what, program, expected) => {
    expect(describeOutcome(await outcome(program))).toBe(expected);
  });

  test("the same with a catch around: a value, or an end that cannot be caught", async () => {
    expect(print((await outcome("(try (apply + (range 1000000)) (catch e (:type e)))")) as Value)).toBe(
      ":ResourceError",
    );
    expect(describeOutcome(await outcome(caught("(do (defn f [] (f)) (f))")))).toBe("interrupted maxDepth");
  });

  test("a program runs on after another was ended", async () => {
    await outcome("(do (defn f [] (f)) (f))");
    await outcome(`(= ${vast} ${vast})`, { limits: { maxSteps: 100_000 } });
    expect(await outcome("(+ 1 2)")).toBe(3);
  });

  test("finally may still do a little, and no more", async () => {
    const seen: Value[] = [];
    const host = {
      call: (_id: string, args: readonly Value[]) => {
        seen.push(args[0] ?? null);
        return null;
      },
    };
    const ended = await outcome(`(try (= ${vast} ${vast}) (finally (call "x" (count (sort (range 1000))))))`, {
      host,
      // A busy machine must not decide which limit comes first.
      clock: createFakeClock(),
      limits: { maxSteps: 100_000 },
    });
    expect([describeOutcome(ended), seen]).toEqual(["interrupted maxSteps", [1000]]);
    const greedy = await outcome(`(try (= ${vast} ${vast}) (finally (= ${vast} ${vast}) (call "x" :never)))`, {
      host,
      // A busy machine must not decide which limit comes first.
      clock: createFakeClock(),
      limits: { maxSteps: 100_000 },
    });
    expect([describeOutcome(greedy), seen]).toEqual(["interrupted maxSteps", [1000]]);
  });

  test("a long computation lets others run, and is cancelled in the middle", async () => {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), 50);
    const result = await outcome("(dotimes [i 1000000000000] (+ i 1))", {
      signal: controller.signal,
      limits: { maxSteps: Number.MAX_SAFE_INTEGER },
    });
    clearTimeout(timer);
    expect(describeOutcome(result)).toBe("canceled");
  });
});

describe("the command", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rtfs-limits-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each([
    [
      "a hundred thousand parentheses",
      `${"(".repeat(100_000)}${")".repeat(100_000)}`,
      3,
      /error\[read-error\][\s\S]*500 levels/,
    ],
    ["a vector of a million items", `[${"1 ".repeat(1_000_000)}]`, 0, /^\[1 1 1/],
    ["a string of 10 MB", `"${"x".repeat(10_000_000)}"`, 0, /^"xxx/],
    [
      "endless recursion",
      "(defn f [n] (inc (f n)))\n(try (f 1) (catch e :caught))",
      1,
      /error\[interrupted\][\s\S]*program\.rtfs:1/,
    ],
    ["an endless loop", "(try (dotimes [i 1000000000000] i) (catch e :caught))", 1, /error\[interrupted\]/],
    ["a value of 2^40 items", vast, 1, /error\[interrupted\][\s\S]*maxOutputSize/],
  ])(
    "eval --file ends well with %s",
    async (_what, program, code, text) => {
      const file = join(folder, "program.rtfs");
      await writeFile(file, program);
      const ended = await runProcess(process.execPath, [
        join(repository, "src", "cli", "main.ts"),
        "eval",
        "--file",
        file,
        "--no-color",
      ]);
      expect([ended.code, ended.stdout + ended.stderr]).toEqual([code, expect.stringMatching(text)]);
    },
    70_000,
  );
});

import { beforeEach, describe, expect, test } from "vitest";
import { createFakeClock } from "../../../testing/fake-clock.ts";
import { CcosError } from "../../kernel/index.ts";
import { evaluate, fromJson, keyword, print, RtfsMap, type Host, type HostEvents, type Value } from "../index.ts";

let left: number;
let asked: number;
let calls: string[];
/** What the streams of the host give, and how they end. */
let given: Value[];
let ending: () => Promise<undefined>;
let inputs: string[];
let leaving: () => Promise<unknown>;

beforeEach(() => {
  left = 0;
  asked = 0;
  calls = [];
  inputs = [];
  given = [1, 2, 3].map(item);
  ending = () => Promise.resolve(undefined);
  leaving = () => Promise.resolve();
});

const item = (value: number): Value => fromJson({ type: "data", value }, { keys: "keywords" });
const result = (value: number): Value => fromJson({ type: "result", value }, { keys: "keywords" });

const host: Host = {
  call(id, args) {
    calls.push(id);
    return Promise.resolve().then(() =>
      id === "bad" ? Promise.reject(new CcosError("rejected", "No.")) : (args[0] ?? null),
    );
  },
  stream(id, args): HostEvents {
    inputs.push(`${id} ${args.map((arg) => print(arg)).join(" ")}`);
    let index = 0;
    return {
      async next() {
        asked++;
        return given[index++] ?? ending();
      },
      leave() {
        left++;
        return leaving();
      },
    };
  },
};

const run = async (text: string, more: object = {}): Promise<string> => print(await evaluate(text, { host, ...more }));
const failureOf = async (text: string, more: object = {}): Promise<CcosError> => {
  const error = await run(text, more).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CcosError);
  return error as CcosError;
};

describe("the value of a call with :on-event", () => {
  test("is its result, where it has one, and every event is handed over", async () => {
    given.push(result(7));
    expect(await run(`(call "s" {:a 1 :on-event (fn [e] (call (str "seen-" (:value e))))})`)).toBe("7");
    expect(calls).toEqual(["seen-1", "seen-2", "seen-3", "seen-7"]);
    expect(inputs).toEqual(["s {:a 1}"]);
    expect(left).toBe(0);
  });

  test("is nil where it has none", async () => {
    expect(await run(`(call "s" {:on-event (fn [e] (:value e))})`)).toBe("nil");
    expect(inputs).toEqual(["s {}"]);
  });

  test("is the last state, where the function is given one", async () => {
    expect(await run(`(call "s" :a 1 :initial 10 :on-event (fn [sum e] (+ sum (:value e))))`)).toBe("16");
    expect(await run(`(call "s" {:initial nil :on-event (fn [last e] [last (:value e)])})`)).toBe("[[[nil 1] 2] 3]");
    expect(inputs).toEqual(["s {:a 1}", "s {}"]);
    given = [];
    expect(await run(`(call "s" {:initial [] :on-event conj})`)).toBe("[]");
  });

  test.each([
    ["{:action :complete}", "nil"],
    ["{:action :complete :value :enough}", ":enough"],
    ["{:action :complete :state [1]}", "[1]"],
    ["{:action :complete :value nil}", "nil"],
  ])("is what %s says, and the call is ended", async (complete, value) => {
    expect(await run(`(call "s" {:on-event (fn [e] ${complete})})`)).toBe(value);
    expect([asked, left]).toEqual([1, 1]);
  });

  test("is the state so far where a fold is completed without another", async () => {
    const fold = (end: string): string =>
      `(call "s" {:initial 0 :on-event (fn [n e] (if (= (:value e) 3) ${end} (+ n (:value e))))})`;
    expect(await run(fold("{:action :complete}"))).toBe("3");
    expect(await run(fold("{:action :complete :value (* n 10)}"))).toBe("30");
    expect(left).toBe(2);
  });

  test("comes when the call has ended at its peer", async () => {
    let isFree = false;
    leaving = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      isFree = true;
    };
    await run(`(call "s" {:on-event (fn [e] {:action :complete})})`);
    expect(isFree).toBe(true);
  });

  test("a map is no completion because of another :action", async () => {
    expect(await run(`(call "s" {:on-event (fn [e] {:action :go-on})})`)).toBe("nil");
    expect(await run(`(call "s" {:on-event (fn [e] {:action "complete"})})`)).toBe("nil");
    expect([asked, left]).toEqual([8, 0]);
  });

  test("events are asked for one at a time", async () => {
    const most = { now: 0 };
    const call: Host["call"] = async (id, args) => {
      calls.push(id);
      most.now = Math.max(most.now, asked - calls.length);
      await new Promise((resolve) => setImmediate(resolve));
      return args[0] ?? null;
    };
    await run(`(call "s" {:on-event (fn [e] (call "slow" e))})`, { host: { ...host, call } });
    expect([calls.length, most.now]).toEqual([3, 0]);
  });
});

describe("what makes a call one that gives events", () => {
  test("a function, and nothing else: other values are input", async () => {
    expect(await run(`(call "c" {:on-event :name :initial 1})`)).toBe("{:on-event :name :initial 1}");
    expect(await run(`(call "c" {:initial 1})`)).toBe("{:initial 1}");
    expect(await run(`(call "c" 1 {:on-event 2})`)).toBe("1");
    expect(inputs).toEqual([]);
    expect(await run(`(call "s" {:initial 0 :on-event +})`).catch(() => "tried")).toBe("tried");
    expect(inputs).toEqual(["s {}"]);
  });

  test("a host without events says that it has none", async () => {
    const error = await failureOf(`(call "s" {:on-event (fn [e] e)})`, { host: { call: () => null } });
    expect(error).toMatchObject({ code: "eval-error", details: { kind: "NotImplemented" } });
  });
});

describe("a function that fails", () => {
  test.each([
    ["at once", `(throw "enough")`],
    ["while it waits", `(do (call "c" e) (throw "enough"))`],
    ["deep inside", `(map (fn [x] (do (call "c" x) (throw "enough"))) [1])`],
  ])("%s ends the call, and the program may catch it", async (_when, body) => {
    const text = `(try (call "s" {:on-event (fn [e] ${body})}) (catch e [:caught (:message e)]))`;
    expect(await run(text)).toBe('[:caught "enough"]');
    expect([asked, left]).toEqual([1, 1]);
  });

  test("does so for a call that is refused inside it, with the depth of calls as it was", async () => {
    const text = `
      (defn deep [n] (if (= n 0) (call "bad" 1) (+ 1 (deep (- n 1)))))
      (defn try-it [n] (try (call "s" {:on-event (fn [e] (deep 50))}) (catch e n)))
      (map try-it (range 40))`;
    expect(await run(text, { limits: { maxDepth: 80 } })).toMatch(/^\[0 1 2 .* 39\]$/);
    expect(left).toBe(40);
  });

  test("has failed even where ending the call fails as well", async () => {
    leaving = () => Promise.reject(new Error("gone"));
    expect(await run(`(try (call "s" {:on-event (fn [e] (throw "first"))}) (catch e (:message e)))`)).toBe('"first"');
  });

  test("with the wrong number of parameters is told of it", async () => {
    const error = await failureOf(`(call "s" {:on-event (fn [a b] a)})`);
    expect(error).toMatchObject({ details: { kind: "ArityMismatch" } });
    expect(left).toBe(1);
  });
});

describe("a stream that fails", () => {
  test("fails the call, after the events before", async () => {
    ending = () => Promise.reject(new CcosError("outcome-unknown", "It broke."));
    const text = `(try (call "s" {:on-event (fn [e] (call "seen"))}) (catch e [(:code e) (:type e)]))`;
    expect(await run(text)).toBe("[:outcome-unknown :NetworkError]");
    expect(calls).toHaveLength(3);
    expect((await failureOf(`(call "s" {:on-event (fn [e] e)})`)).code).toBe("outcome-unknown");
  });
});

describe("limits", () => {
  const endless = (): void => {
    ending = () => new Promise(() => {});
  };
  const forever = (): void => {
    ending = async () => item(0) as never;
  };

  test("time ends a call that waits for its next event, and leaves it", async () => {
    endless();
    const clock = createFakeClock();
    const failed = failureOf(`(call "s" {:on-event (fn [e] e)})`, { clock, limits: { timeoutMs: 500 } });
    await clock.advance(501);
    expect(await failed).toMatchObject({ code: "interrupted", details: { limit: "timeoutMs" } });
    expect(left).toBe(1);
  });

  test("steps end a call that has events without end, and others run meanwhile", async () => {
    forever();
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const failed = await failureOf(`(call "s" {:on-event (fn [e] e)})`, { limits: { maxSteps: 20_000 } });
    clearInterval(timer);
    expect(failed).toMatchObject({ code: "interrupted", details: { limit: "maxSteps" } });
    expect(left).toBe(1);
    expect(turns).toBeGreaterThan(0);
  });

  test("steps inside the function count", async () => {
    const failed = await failureOf(`(call "s" {:on-event (fn [e] (reduce + (range 100000)))})`, {
      limits: { maxSteps: 5_000 },
    });
    expect(failed.code).toBe("interrupted");
    expect([asked, left]).toEqual([1, 1]);
  });

  test("a canceled program leaves the call, whether it waits for an event or for something in the function", async () => {
    for (const body of ["e", `(call "hangs" e)`]) {
      left = 0;
      endless();
      const hanging: Host = { ...host, call: () => new Promise(() => {}) };
      const controller = new AbortController();
      const failed = failureOf(`(call "s" {:on-event (fn [e] ${body})})`, {
        host: hanging,
        signal: controller.signal,
      });
      await new Promise((resolve) => setImmediate(resolve));
      controller.abort();
      expect((await failed).code).toBe("canceled");
      expect(left).toBe(1);
    }
  });

  test("many events in a row do not nest", async () => {
    given = Array.from({ length: 20_000 }, (_, index) => item(index));
    expect(await run(`(call "s" {:initial 0 :on-event (fn [n e] (+ n 1))})`)).toBe("20000");
  });
});

describe("a program around it", () => {
  test("may have one in another, and functions that see its variables", async () => {
    const text = `
      (let [base 100]
        (call "outer" {:initial []
                       :on-event (fn [all e]
                                   (conj all (call "inner" {:initial base :on-event (fn [n f] (+ n (:value f) (:value e)))})))}))`;
    expect(await run(text)).toBe("[109 112 115]");
    expect(inputs).toEqual(["outer {}", "inner {}", "inner {}", "inner {}"]);
  });

  test("gets the event as a map with keywords", async () => {
    given = [RtfsMap.of([[keyword("type"), "log"]])];
    expect(await run(`(call "s" {:initial nil :on-event (fn [_ e] e)})`)).toBe('{:type "log"}');
  });
});

import { beforeEach, describe, expect, it } from "vitest";
import { createFakeClock, type FakeClock } from "../../testing/fake-clock.ts";
import {
  abortError,
  CcosError,
  createEmitter,
  isCcosError,
  untilAborted,
  type JsonValue,
  type RuntimeEvents,
} from "../kernel/index.ts";
import { evaluate, print, type Value } from "../rtfs/index.ts";
import { reportOf, type CallContext, type CallOutcome } from "./call.ts";
import { createMarketplace, type CreateMarketplaceOptions } from "./create-marketplace.ts";
import type { ProgramHostOptions } from "./host.ts";
import type { Manifest } from "./manifest.ts";
import type { CapabilityMarketplace } from "./marketplace.ts";
import { nativeCapability } from "./native/index.ts";
import { preludeBindings } from "./prelude.ts";
import { readCapabilities } from "./read-capabilities.ts";
import { Security } from "./security.ts";

type Executed = { manifest: Manifest; input: JsonValue; context: CallContext };
const SESSION = { id: "s_1", provider: "line", reused: true };

let clock: FakeClock;
let executed: Executed[];
let answer: (call: Executed) => Promise<CallOutcome> | CallOutcome;
let events: { name: keyof RuntimeEvents; event: RuntimeEvents[keyof RuntimeEvents] }[];
let market: CapabilityMarketplace;

const providers = { providers: () => ["line"], manifestTraits: () => ({}) };

function open(options: Partial<CreateMarketplaceOptions> = {}): CapabilityMarketplace {
  const emitter = createEmitter<RuntimeEvents>();
  events = [];
  emitter.onAny((name, event) => events.push({ name, event }));
  return createMarketplace({
    clock,
    events: emitter,
    delegate: {
      ...providers,
      executeWithSession: async (manifest, input, context) => {
        const call = { manifest, input, context };
        executed.push(call);
        return answer(call);
      },
    },
    ...options,
  });
}

beforeEach(() => {
  clock = createFakeClock();
  executed = [];
  answer = ({ input }) => ({ value: input, session: SESSION, attempts: 1 });
  market = open();
});

function declare(text: string, trusted = true): void {
  const { manifests, errors } = readCapabilities(text, { trusted, providers, file: "f.rtfs" });
  expect(errors.map((error) => error.message)).toEqual([]);
  for (const manifest of manifests) market.register(manifest);
}
const remote = (id: string, more = "") =>
  `(capability "${id}" :description "d" ${more} :metadata {:line {:requires_session "auto"} :timeout_ms 700})`;

async function run(text: string, options: ProgramHostOptions = {}): Promise<string> {
  const value: Value = await evaluate(text, { host: market.createHost(options), bindings: preludeBindings(), clock });
  return print(value);
}
async function failureOf(promise: Promise<unknown>): Promise<CcosError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(isCcosError(error)).toBe(true);
  return error as CcosError;
}

describe("calling a capability", () => {
  it("hands what asks for a session to the delegate, with the input, deadline and caller", async () => {
    declare(remote("line.get"));
    const caller = { id: "c1" };
    const result = await market.execute("line.get", { a: 1 }, { caller, idempotent: true });
    expect(result).toMatchObject({ value: { a: 1 }, session: SESSION, attempts: 1, durationMs: 0 });
    const [call] = executed;
    expect(call?.input).toEqual({ a: 1 });
    expect(call?.context).toMatchObject({ caller, idempotent: true });
    expect(call?.context.remainingMs()).toBe(700);
  });

  it("executes code here, and gives nil for what nothing executes", async () => {
    declare(
      '(capability "double" :description "d" :implementation (fn [in] (* 2 (:n in)))) (capability "nothing" :description "d")',
    );
    expect(await market.execute("double", { n: 4 })).toMatchObject({ value: 8, session: null, attempts: 0 });
    expect(await market.execute("nothing")).toMatchObject({ value: null, session: null });
    expect(executed).toEqual([]);
  });

  it("evaluates code that is no function with input bound, and a function without parameters without it", async () => {
    declare(`(capability "a" :description "d" :implementation (do (def n 2) (* n (:x input))))
             (capability "b" :description "d" :implementation (fn [] 7))
             (capability "c" :description "d" :implementation (do (defn twice [x] (* 2 x)) (fn [in] (twice (:x in)))))`);
    const values = await Promise.all(["a", "b", "c"].map(async (id) => (await market.execute(id, { x: 21 })).value));
    expect(values).toEqual([42, 7, 42]);
  });

  it("tells of each call when it starts and when it has ended", async () => {
    declare(
      `${remote("line.get")} (capability "outer" :description "d" :effects [:network] :implementation (fn [in] (call "line.get" in)))`,
    );
    await market.execute("outer", {}, { caller: { id: "me" } });
    expect(events.map(({ name, event }) => [name, (event as { capabilityId: string }).capabilityId])).toEqual([
      ["callStarted", "outer"],
      ["callStarted", "line.get"],
      ["callEnded", "line.get"],
      ["callEnded", "outer"],
    ]);
    const [outer, inner, ended] = events.map(({ event }) => event as unknown as Record<string, unknown>);
    expect(outer).toMatchObject({ parentId: undefined, caller: "me" });
    expect(inner).toMatchObject({ parentId: outer?.["callId"], caller: "me" });
    expect(ended).toMatchObject({ callId: inner?.["callId"], ok: true, attempts: 1, sessionId: "s_1", reused: true });
  });

  it("takes nothing but a text for an id", async () => {
    await expect(market.execute(null as unknown as string)).rejects.toMatchObject({ code: "invalid-argument" });
  });

  it("names the nearest capabilities where there is none", async () => {
    declare(remote("line.list_issues"));
    const error = await failureOf(market.execute("line.list_isues"));
    expect(error).toMatchObject({
      code: "not-found",
      message: 'There is no capability "line.list_isues".',
      remedy: 'Did you mean "line.list_issues"?',
    });
    expect(events.at(-1)?.event).toMatchObject({ ok: false, error: { code: "not-found" } });
  });

  it("gives an error the session and attempts that the delegate knows of", async () => {
    declare(`${remote("line.get", ":output-schema [:map [:n :int]]")}`);
    const error = await failureOf(market.execute("line.get", { n: "x" }));
    expect(error).toMatchObject({
      code: "protocol-error",
      details: { executed: true, value: { n: "x" } },
      message: 'The output of "line.get" does not fit its schema. Type mismatch at .n: expected :int, got string.',
    });
    expect(reportOf(error)).toMatchObject({ session: SESSION, attempts: 1 });
    expect(events.at(-1)?.event).toMatchObject({ sessionId: "s_1", attempts: 1 });
  });

  it("refuses an output that nests too deep to be written down", async () => {
    declare(remote("line.get"));
    let deep: JsonValue = 1;
    for (let level = 0; level < 200_000; level++) deep = { deep };
    answer = () => ({ value: deep, session: SESSION, attempts: 1 });
    const error = await failureOf(market.execute("line.get", {}));
    expect(error).toMatchObject({ code: "protocol-error", details: { executed: true } });
    expect(reportOf(error)).toMatchObject({ session: SESSION, attempts: 1 });
  });

  it("turns whatever a native function throws into one of our errors", async () => {
    market.register(
      nativeCapability({
        id: "acme.bad",
        description: "",
        run: () => {
          throw new TypeError("boom");
        },
      }),
    );
    expect(await failureOf(market.execute("acme.bad"))).toMatchObject({ code: "internal" });
  });

  it("refuses a value that JSON cannot say", async () => {
    declare('(capability "f" :description "d" :implementation (fn [in] {:f ##NaN}))');
    expect(await failureOf(market.execute("f"))).toMatchObject({ code: "eval-error" });
  });
});

describe("the input", () => {
  beforeEach(() => declare(remote("line.get", ":input-schema [:map [:owner :string] [:n :int ?]]")));

  it("is refused before anything is sent, with the path of each problem", async () => {
    const error = await failureOf(market.execute("line.get", { n: "x" }));
    expect(error).toMatchObject({
      code: "invalid-argument",
      message:
        'The input of "line.get" does not fit its schema. Missing required key :owner. Type mismatch at .n: expected :int, got string.',
      details: { problems: [{ path: "" }, { path: ".n" }] },
    });
    expect(executed).toEqual([]);
  });

  it("may be JSON where 3.0 is an integer", async () => {
    await market.execute("line.get", JSON.parse('{"owner": "a", "n": 3.0}') as JsonValue);
    expect(executed[0]?.input).toEqual({ owner: "a", n: 3 });
  });

  it("may be the value of the only required field, or missing where none is required", async () => {
    await market.execute("line.get", "acme");
    expect(executed[0]?.input).toEqual({ owner: "acme" });
    declare(remote("line.me", ":input-schema [:map]"));
    await market.execute("line.me");
    expect(executed[1]?.input).toEqual({});
    expect(await failureOf(market.execute("line.get"))).toMatchObject({ code: "invalid-argument" });
  });

  it("keeps __proto__ and large integers", async () => {
    declare(remote("line.any"));
    const input = JSON.parse('{"__proto__": {"x": 1}}') as JsonValue;
    await market.execute("line.any", input);
    expect(JSON.stringify(executed[0]?.input)).toBe('{"__proto__":{"x":1}}');
    await run('(call "line.any" {:n 9007199254740993})');
    expect(executed[1]?.input).toEqual({ n: 9007199254740993n });
  });
});

describe("a program", () => {
  it("gets results with keywords for keys that read back as one", async () => {
    declare(remote("line.get"));
    answer = () => ({ value: { items: [{ id: 1, "a b": 2.5 }] }, session: null, attempts: 1 });
    expect(await run('(call "line.get" {})')).toBe('{:items [{:id 1 "a b" 2.5}]}');
  });

  it("calls with positions, pairs or a map", async () => {
    declare(
      '(capability "area" :description "d" :input-schema [:map [:w :float] [:h :float]] :output-schema :float :implementation (fn [in] (* (:w in) (:h in))))',
    );
    expect(await run('[(call "area" {:w 3 :h 1.5}) (call "area" :w 3 :h 1.5) (call "area" 3 1.5)]')).toBe(
      "[4.5 4.5 4.5]",
    );
  });

  it("catches a failure as an error value", async () => {
    declare(remote("line.get"));
    answer = () => {
      throw new CcosError("rejected", "No such repository");
    };
    expect(await run('(try (call "line.get" {}) (catch e [(getMessage e) (:code e)]))')).toBe(
      '["No such repository" :rejected]',
    );
  });

  it("checks the output of code strictly", async () => {
    declare('(capability "f" :description "d" :output-schema :int :implementation (fn [in] 1.0))');
    expect((await failureOf(run('(call "f")'))).code).toBe("protocol-error");
  });

  it("finds its context, and hints of a call", async () => {
    declare(remote("line.get"));
    expect(await run("(get :input)", { context: new Map([["input", 3]]) })).toBe("3");
    await run('^{:runtime.timeout 200 :runtime.idempotent true} (call "line.get" {})');
    expect(executed[0]?.context).toMatchObject({ idempotent: true });
    expect(executed[0]?.context.remainingMs()).toBe(200);
  });

  it("may make only so many calls, those of code it calls included, and cannot catch the end", async () => {
    declare(
      '(capability "twice" :description "d" :implementation (fn [in] (do (call "ccos.echo" 1) (call "ccos.echo" 2))))',
    );
    expect(await run('[(call "twice") (call "ccos.echo" 3)]', { maxCalls: 4 })).toBe("[2 3]");
    const error = await failureOf(run('(try [(call "twice") (call "ccos.echo" 3)] (catch e 1))', { maxCalls: 3 }));
    expect(error).toMatchObject({ code: "interrupted", details: { limit: "maxCalls" } });
  });

  it("cannot nest capabilities without end", async () => {
    declare('(capability "loop" :description "d" :implementation (fn [in] (call "loop" in)))');
    const error = await failureOf(run('(call "loop" {})'));
    expect(error).toMatchObject({ code: "eval-error", message: expect.stringMatching(/more than 32 levels deep/) });
  });
});

describe("security", () => {
  it("refuses before the input is looked at, and in the order level, id, effects", async () => {
    declare(remote("line.get", ":input-schema [:map [:a :int]]"));
    const pure = new Security({ level: "pure" });
    expect(await failureOf(market.execute("line.get", {}, { security: pure }))).toMatchObject({
      code: "permission-denied",
    });
    expect(await failureOf(market.execute("unknown", {}, { security: pure }))).toMatchObject({
      code: "permission-denied",
    });
    const noNetwork = new Security({ deniedEffects: [":network"] });
    expect(await failureOf(market.execute("line.get", {}, { security: noNetwork }))).toMatchObject({
      code: "permission-denied",
    });
    expect(executed).toEqual([]);
  });

  it("limits the code of a file to the effects it declares", async () => {
    declare(`${remote("line.get")}
      (capability "quiet" :description "d" :implementation (fn [in] (call "line.get" in)))
      (capability "open" :description "d" :effects [:network] :implementation (fn [in] (call "line.get" in)))`);
    expect(await failureOf(market.execute("quiet", {}))).toMatchObject({
      code: "permission-denied",
      message: expect.stringContaining(":network"),
    });
    expect((await market.execute("open", { a: 1 })).value).toEqual({ a: 1 });
  });

  it("lets the code of an untrusted file compute and nothing else, whatever it declares", async () => {
    const text = `(capability "leak" :description "d" :effects [:system :network :pure] :implementation (fn [in] (call "ccos.system.get-env" "SECRET")))
      (capability "send" :description "d" :effects [:pure] :metadata {:line {:requires_session "auto"}})
      (capability "relay" :description "d" :effects [:network] :implementation (fn [in] (call "send" in)))
      (capability "sum" :description "d" :implementation (fn [in] (call "ccos.math.add" (:a in) (:b in))))`;
    market = open({ readVariable: () => "hidden" });
    declare(text, false);
    expect(await failureOf(market.execute("leak", {}))).toMatchObject({ code: "permission-denied" });
    expect(await failureOf(market.execute("relay", {}))).toMatchObject({ code: "permission-denied" });
    expect((await market.execute("sum", { a: 1, b: 2 })).value).toBe(3);
    expect(executed).toEqual([]);
  });

  it("holds for what a permitted capability calls in turn", async () => {
    declare(
      `${remote("line.get")} (capability "open" :description "d" :effects [:network] :implementation (fn [in] (call "line.get" in)))`,
    );
    const security = new Security({ level: "controlled", allowedIds: ["open"], deniedEffects: [":filesystem"] });
    expect((await market.execute("open", {}, { security })).value).toEqual({});
    expect(await failureOf(market.execute("line.get", {}, { security }))).toMatchObject({ code: "permission-denied" });
  });

  it("is what a program's host was made with", async () => {
    const host = { security: new Security({ level: "pure" }) };
    expect(await failureOf(run('(println "x")', host))).toMatchObject({ code: "permission-denied" });
    expect(await run('(try (println "x") (catch e (:type e)))', host)).toBe(":SecurityViolation");
  });
});

describe("the deadline of a call", () => {
  const hang = ({ context }: Executed): Promise<CallOutcome> =>
    untilAborted(new Promise<CallOutcome>(() => {}), context.signal);

  it("is that of the call, else of the manifest, else the default", async () => {
    declare(
      `${remote("line.get")} (capability "line.plain" :description "d" :metadata {:line {:requires_session "auto"}})`,
    );
    await market.execute("line.get", {}, { timeoutMs: 50 });
    await market.execute("line.get", {});
    await market.execute("line.plain", {});
    expect(executed.map((call) => call.context.remainingMs())).toEqual([50, 700, 30_000]);
    market = open({ defaultTimeoutMs: 9 });
    declare('(capability "line.plain" :description "d" :metadata {:line {:requires_session "auto"}})');
    await market.execute("line.plain", {});
    expect(executed[3]?.context.remainingMs()).toBe(9);
    market = open({ defaultTimeoutMs: (manifest) => (manifest.id === "line.plain" ? 8 : undefined) });
    declare('(capability "line.plain" :description "d" :metadata {:line {:requires_session "auto"}})');
    await market.execute("line.plain", {});
    expect(executed[4]?.context.remainingMs()).toBe(8);
  });

  it("ends the call and says how long it was", async () => {
    declare(remote("line.get"));
    answer = hang;
    const failure = failureOf(market.execute("line.get", {}));
    await clock.advance(700);
    expect(await failure).toMatchObject({
      code: "deadline-exceeded",
      message: 'The call of "line.get" did not finish within 700 ms.',
    });
    expect(clock.pendingTimers).toBe(0);
  });

  it("of a nested call is never later than that of the call around it", async () => {
    declare(
      `${remote("line.get")} (capability "outer" :description "d" :effects [:network] :metadata {:timeout_ms 100} :implementation (fn [in] (call "line.get" in)))`,
    );
    answer = hang;
    const failure = failureOf(market.execute("outer", {}));
    await clock.settle();
    expect(executed[0]?.context.remainingMs()).toBe(100);
    await clock.advance(100);
    expect((await failure).code).toBe("deadline-exceeded");
    expect(clock.pendingTimers).toBe(0);
  });

  it("ends a native function that waits", async () => {
    const failure = failureOf(market.execute("ccos.system.sleep-ms", 5_000, { timeoutMs: 10 }));
    await clock.advance(10);
    expect((await failure).code).toBe("deadline-exceeded");
    expect(clock.pendingTimers).toBe(0);
  });

  it("gives way to the caller's cancellation, before and during the call", async () => {
    declare(remote("line.get"));
    answer = hang;
    const controller = new AbortController();
    const failure = failureOf(market.execute("line.get", {}, { signal: controller.signal }));
    await clock.settle();
    controller.abort();
    expect((await failure).code).toBe("canceled");
    expect((await failureOf(market.execute("line.get", {}, { signal: controller.signal }))).code).toBe("canceled");
    expect(executed).toHaveLength(1);
    expect(abortError(controller.signal).code).toBe("canceled");
  });

  it.each([0, -1, Number.NaN])("is refused where it is %s", async (timeoutMs) => {
    expect((await failureOf(market.execute("ccos.echo", 1, { timeoutMs }))).code).toBe("invalid-argument");
  });
});

describe("the shelf", () => {
  it("holds the runtime's own capabilities, which nobody replaces or removes", () => {
    expect(market.get("ccos.echo")?.execution.kind).toBe("native");
    expect(market.remove("ccos.echo")).toBe(false);
    const manifest = market.get("ccos.echo") as Manifest;
    expect(() => market.register({ ...manifest, id: "ccos.mine", execution: { kind: "none" } })).toThrow(/reserved/);
    expect(() => market.register(manifest)).toThrow(/declared in/);
  });

  it("lists by id what has all words of a query, and gives metadata flat", () => {
    declare(`${remote("line.b", ':name "Beta thing"')} ${remote("line.a")}`);
    expect(market.list("line.").map((each) => each.id)).toEqual(["line.a", "line.b"]);
    expect(market.list("THING beta").map((each) => each.id)).toEqual(["line.b"]);
    expect({ ...market.getCapabilityMetadata("line.a") }).toEqual({ line_requires_session: "auto", timeout_ms: "700" });
    expect(market.getCapabilityMetadata("none")).toBeUndefined();
    expect(market.remove("line.a")).toBe(true);
    expect(market.remove("line.a")).toBe(false);
  });
});

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CcosError, isCcosError, type ErrorCode } from "../src/kernel/index.ts";
import { casesOf, expectedText, files, folder } from "./corpus-cases.ts";
import {
  builtinNames,
  evaluate,
  keyword,
  print,
  RtfsMap,
  readProgram,
  specialForms,
  vector,
  type Form,
  type Host,
  type MapKey,
  type Value,
} from "../src/rtfs/index.ts";

/** What the cases call: echoes, failures, a context and a store; anything else answers with its id and arguments. */
function createTestHost(): Host {
  const context = new Map<string, Value>([
    ["user", "ada"],
    ["acc", vector([])],
  ]);
  const store = new Map<string, Value>();
  const later = <T>(value: T): Promise<T> => Promise.resolve().then(() => value);
  return {
    call(id, args, hints) {
      const [first = null] = args;
      switch (id) {
        case "test.echo":
          return first;
        case "test.slow":
          return later(first);
        case "test.args":
          return vector([...args]);
        case "test.hints":
          return RtfsMap.of([...hints] as [MapKey, Value][]);
        case "test.fail":
          throw new CcosError(first as ErrorCode, `failed: ${String(first)}`);
        case "test.fail-slow":
          return later(null).then(() => {
            throw new CcosError(first as ErrorCode, `failed: ${String(first)}`);
          });
        case "ccos.state.kv.get":
          return later(store.get(print(get(first, "key"))) ?? null);
        case "ccos.state.kv.put":
          store.set(print(get(first, "key")), get(first, "value"));
          return null;
        case "ccos.io.println":
        case "ccos.io.log":
          return "not nil";
        default:
          return vector([id, ...args]);
      }
    },
    stream(id, [input = null]) {
      const events = eventsOf(id, input);
      return {
        next: async () => (await events.next()).value,
        leave: () => events.return(undefined),
      };
    },
    context: (name) => context.get(name),
    setContext: (name, value) => {
      context.set(name, value);
    },
  };
}

const event = (type: string, value: Value): Value =>
  RtfsMap.of([
    [keyword("type"), type],
    [keyword("value"), value],
  ]);

async function* eventsOf(id: string, input: Value): AsyncGenerator<Value, undefined> {
  const most = { "test.count": get(input, "n") as number, "test.cut": 1 }[id] ?? Infinity;
  for (let value = 1; value <= most; value++) yield event("data", value);
  if (id === "test.cut") throw new CcosError(print(get(input, "code")).slice(1) as ErrorCode, "cut");
  const result = get(input, "result");
  if (result !== null) yield event("result", result);
}

function get(map: Value, key: string): Value {
  for (const [name, value] of map as RtfsMap) if (print(name) === `:${key}`) return value;
  return null;
}

async function outcome(program: string): Promise<string> {
  try {
    return print(await evaluate(program, { host: createTestHost(), limits: { maxSteps: 5_000_000 } }));
  } catch (error) {
    if (!isCcosError(error)) throw error;
    return `!! ${error.code === "eval-error" ? String(error.details?.["kind"]) : error.code}`;
  }
}

for (const file of files) {
  describe(file, () => {
    for (const one of casesOf(file)) {
      test(`${one.line}: ${one.program.slice(0, 100)}`, async () => {
        expect(await outcome(one.program)).toBe(expectedText(one));
      });
    }
  });
}

/** Every name that some program of the corpus mentions. */
function mentioned(): Set<string> {
  const names = new Set<string>();
  const visit = (form: Form): void => {
    if (form.kind === "symbol") names.add(form.name);
    if (form.kind === "list" || form.kind === "vector" || form.kind === "short-fn") form.items.forEach(visit);
    if (form.kind === "map") form.entries.flat().forEach(visit);
    if ("form" in form) visit(form.form);
    if (form.kind === "string" && form.value.includes("(")) {
      for (const match of form.value.matchAll(/\(([^\s()[\]{}"]+)/g)) names.add(match[1] as string);
    }
  };
  for (const file of files) readProgram(readFileSync(new URL(file, folder), "utf8")).forEach(visit);
  return names;
}

test("every function of the library has a case", () => {
  const names = mentioned();
  expect(builtinNames().filter((name) => !names.has(name))).toEqual([]);
});

test("every special form has a case", () => {
  const names = mentioned();
  expect(
    specialForms()
      .map(({ name }) => name)
      .filter((name) => !names.has(name)),
  ).toEqual([]);
});

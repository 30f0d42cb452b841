import { describe, expect, test } from "vitest";
import { isCcosError } from "../../kernel/index.ts";
import { evaluate } from "../evaluator/program.ts";
import { Source } from "../source.ts";
import type { LoadModule } from "./scope.ts";

function loader(files: Record<string, string>, seen: string[] = []): LoadModule {
  return (name) => {
    seen.push(name);
    const text = files[name];
    return text === undefined ? undefined : new Source(text, `${name}.rtfs`);
  };
}

describe("modules in files", () => {
  test("an import reads the module's file, once", () => {
    const seen: string[] = [];
    const loadModule = loader({ a: "(module a (def n 20))", b: "(module b (import a :as a) (def m (inc a/n)))" }, seen);
    const text = "(module main (import a :only [n]) (import b :as other) (defn sum [] (+ n other/m))) (main/sum)";
    expect(evaluate(text, { loadModule, sliceMs: Number.POSITIVE_INFINITY })).toBe(41);
    expect(seen).toEqual(["a", "b"]);
  });

  test("a circle of imports is refused, with its path", () => {
    const loadModule = loader({ a: "(module a (import b :as b))", b: "(module b (import a :as a))" });
    let thrown: unknown;
    try {
      void evaluate("(module main (import a :as a))", { loadModule });
    } catch (error) {
      thrown = error;
    }
    expect(isCcosError(thrown) && [thrown.code, thrown.message, thrown.place?.file]).toEqual([
      "read-error",
      "The modules import each other in a circle: a → b → a.",
      "b.rtfs",
    ]);
  });

  test("a file that does not define the module it is named for is refused", () => {
    expect(() => evaluate("(module main (import a :as a))", { loadModule: loader({ a: "(def x 1)" }) })).toThrow(
      "a.rtfs defines no module a.",
    );
  });
});

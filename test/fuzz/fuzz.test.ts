import { describe, expect, test } from "vitest";
import { evaluate, isKnownName, print } from "../../src/rtfs/index.ts";
import { checkInput } from "./check-input.ts";
import { fuzz } from "./run.ts";
import { HOST_NAMES } from "./words.ts";

// A share of `npm run fuzz`, the same at every run.
describe("programs nobody would write", () => {
  test.each([1, 2, 3])(
    "end as programs do, share %i",
    async (seed) => {
      expect(await fuzz(seed, 0, 10_000)).toEqual([]);
    },
    60_000,
  );
});

describe("what JavaScript has is nothing to a program", () => {
  const run = async (program: string): Promise<string> => {
    try {
      return print(await evaluate(program));
    } catch (error) {
      return String((error as { details?: { kind?: string } }).details?.kind ?? (error as Error).message);
    }
  };

  test.each(HOST_NAMES.filter((name) => !isKnownName(name)))("%s", async (name) => {
    // As a name, a function, a method, and the function that update is given by its name.
    expect(await run(name)).toBe("UndefinedSymbol");
    expect(await run(`(${name} 1)`)).toBe("UndefinedSymbol");
    expect(await run(`(.${name} {})`)).toBe("UndefinedSymbol");
    expect(await run(`(update {:a 1} :a "${name}")`)).toBe("UndefinedSymbol");
    // As a key, missing and then present, of maps, of vectors, of texts and functions.
    expect(
      await run(
        `[(get {} "${name}") (:${name} {}) (get-in {} ["${name}" :${name}]) (contains? {} "${name}") (find {} :${name})]`,
      ),
    ).toBe("[nil nil nil false nil]");
    expect(
      await run(`(let [m {"${name}" 1 :${name} 2}] [(get m "${name}") (:${name} m) (keys (dissoc m "${name}"))])`),
    ).toBe(`[1 2 [:${name}]]`);
    expect(await run(`(get [1 2] "${name}")`)).toBe("TypeError");
    expect(await run(`(get inc "${name}")`)).toBe("TypeError");
    expect(await run(`(:${name} "text")`)).toBe("TypeError");
    expect(await run(`(parse-json "{\\"${name}\\":{\\"a\\":1}}")`)).toBe(`{"${name}" {"a" 1}}`);
    expect(await run(`(serialize-json {:${name} 1})`)).toBe(`"{\\"${name}\\":1}"`);
    // As a binding it is what the program made it.
    expect(await run(`(let [${name} 5] ${name})`)).toBe("5");
    expect(await run(`(do (def ${name} 6) (update {:a 1} :a (fn [x] ${name})))`)).toBe("{:a 6}");
  });

  test("an error tells nothing of the host but what it is meant to", async () => {
    expect(
      await run('(try (throw "m") (catch e [(:stack e) (:cause e) (:constructor e) (:fields e) (:__proto__ e)]))'),
    ).toBe("[nil nil nil nil nil]");
  });
});

describe("the check itself", () => {
  test.each([["(let [x 1] x)"], ["(((("], ["(range 1000000000)"], ['(call "test.slow" 1)'], ["(fn [x] x)"]])(
    "finds nothing in %s",
    async (text) => {
      expect(await checkInput(text)).toBeUndefined();
    },
  );
});

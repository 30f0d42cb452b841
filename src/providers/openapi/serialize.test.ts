import fc from "fast-check";
import { parseTemplate } from "url-template";
import { describe, expect, it } from "vitest";
import type { JsonValue } from "../../kernel/index.ts";
import type { ParameterStyle } from "./operation.ts";
import { encodeAll, encodeReserved, labelText, matrixText, pairsOf, simpleText, type Refuse } from "./serialize.ts";

const refuse: Refuse = (what) => {
  throw new Error(what);
};
const ARRAY = ["blue", "black", "bro wn"];
const OBJECT = { R: 100, G: 200, B: "a&b" };

function write(style: ParameterStyle, explode: boolean, value: JsonValue, name = "color"): string {
  const form = { name, style, explode, encode: encodeAll, refuse };
  if (style === "simple") return simpleText(value, form);
  if (style === "label") return labelText(value, form);
  if (style === "matrix") return matrixText(value, form);
  return pairsOf(value, form)
    .map(([key, text]) => `${key}=${text}`)
    .join("&");
}

describe("writing a value in the style of a parameter", () => {
  it.each<[ParameterStyle, boolean, JsonValue, string]>([
    ["matrix", false, "", ";color"],
    ["matrix", false, "blue", ";color=blue"],
    ["matrix", false, ARRAY, ";color=blue,black,bro%20wn"],
    ["matrix", true, ARRAY, ";color=blue;color=black;color=bro%20wn"],
    ["matrix", false, OBJECT, ";color=R,100,G,200,B,a%26b"],
    ["matrix", true, OBJECT, ";R=100;G=200;B=a%26b"],
    ["label", false, "blue", ".blue"],
    ["label", false, ARRAY, ".blue,black,bro%20wn"],
    ["label", true, ARRAY, ".blue.black.bro%20wn"],
    ["label", false, OBJECT, ".R,100,G,200,B,a%26b"],
    ["label", true, OBJECT, ".R=100.G=200.B=a%26b"],
    ["simple", false, "blue", "blue"],
    ["simple", false, ARRAY, "blue,black,bro%20wn"],
    ["simple", true, ARRAY, "blue,black,bro%20wn"],
    ["simple", false, OBJECT, "R,100,G,200,B,a%26b"],
    ["simple", true, OBJECT, "R=100,G=200,B=a%26b"],
    ["form", true, "", "color="],
    ["form", true, "blue", "color=blue"],
    ["form", false, ARRAY, "color=blue,black,bro%20wn"],
    ["form", true, ARRAY, "color=blue&color=black&color=bro%20wn"],
    ["form", false, OBJECT, "color=R,100,G,200,B,a%26b"],
    ["form", true, OBJECT, "R=100&G=200&B=a%26b"],
    ["spaceDelimited", false, ARRAY, "color=blue%20black%20bro%20wn"],
    ["spaceDelimited", false, OBJECT, "color=R%20100%20G%20200%20B%20a%26b"],
    ["pipeDelimited", false, ARRAY, "color=blue%7Cblack%7Cbro%20wn"],
    ["pipeDelimited", false, OBJECT, "color=R%7C100%7CG%7C200%7CB%7Ca%26b"],
    ["deepObject", true, OBJECT, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=a%26b"],
  ])("follows the table of OpenAPI: %s, explode %s, %j is %s", (style, explode, value, written) => {
    expect(write(style, explode, value)).toBe(written);
  });

  it("writes what deepObject leaves open as maps in maps and numbered lists", () => {
    expect(decodeURIComponent(write("deepObject", true, { a: { b: 1 }, c: ["x", { d: true }] }, "q"))).toBe(
      "q[a][b]=1&q[c][0]=x&q[c][1][d]=true",
    );
    expect(write("deepObject", true, "plain", "q")).toBe("q=plain");
  });

  it("leaves out parts that are null, and everything where nothing is left", () => {
    for (const style of ["form", "spaceDelimited", "pipeDelimited", "deepObject"] as const) {
      for (const explode of [true, false]) {
        expect(write(style, explode, [])).toBe("");
        expect(write(style, explode, {})).toBe("");
        expect(write(style, explode, [null])).toBe("");
      }
    }
    expect(write("form", true, { a: null, b: 2 })).toBe("b=2");
  });

  it("writes numbers of any size, and booleans, by their text", () => {
    expect(write("form", false, [2n ** 70n, 1.5, true])).toBe("color=1180591620717411303424,1.5,true");
  });

  it("refuses lists and maps inside each other where a style cannot say them", () => {
    for (const style of ["form", "spaceDelimited", "simple", "label", "matrix"] as const) {
      expect(() => write(style, false, [["a"]])).toThrow("inside each other");
      expect(() => write(style, true, { a: { b: 1 } })).toThrow("inside each other");
    }
  });

  it("refuses what nests without end", () => {
    let deep: JsonValue = "x";
    for (let level = 0; level < 40; level++) deep = { a: deep };
    expect(() => write("deepObject", true, deep)).toThrow("nests deeper");
  });

  const OPERATORS = { simple: "", label: ".", matrix: ";", form: "?" } as const;
  const text = fc.string({ unit: "grapheme", minLength: 1 });
  const name = fc.stringMatching(/^[a-z_]{1,8}$/);
  const value = fc.oneof(text, fc.array(text, { minLength: 1 }), fc.dictionary(name, text, { minKeys: 1 }));

  it("agrees with the expansion of templates (RFC 6570) for every text, list and map", () => {
    const styles = fc.constantFrom(...(Object.keys(OPERATORS) as (keyof typeof OPERATORS)[]));
    fc.assert(
      fc.property(styles, fc.boolean(), name, value, (style, explode, key, given) => {
        const template = parseTemplate(`{${OPERATORS[style]}${key}${explode ? "*" : ""}}`);
        const expected = template.expand({ [key]: given as string }).replace(/^\?/, "");
        expect(write(style, explode, given as JsonValue, key)).toBe(expected);
      }),
    );
  });

  it("gives back, once decoded, exactly what was written", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.boolean(), (given, reserved) => {
        const encode = reserved ? (part: string) => encodeReserved(part.replaceAll("%", "_"), "&#+") : encodeAll;
        const [[key, written] = ["", ""]] = pairsOf(given, {
          name: "a&b[]=",
          style: "form",
          explode: true,
          encode,
          encodeName: encodeAll,
          refuse,
        });
        const query = new URL(`http://x/?${key}=${written}&last=1`).searchParams;
        expect([...query.values()]).toEqual([(reserved ? given.replaceAll("%", "_") : given).toWellFormed(), "1"]);
      }),
    );
  });

  it("never fails on half a character", () => {
    expect(encodeAll("a\ud800b")).toBe("a%EF%BF%BDb");
  });
});

describe("leaving reserved characters as they are", () => {
  it("keeps them, and what is encoded already", () => {
    expect(encodeReserved("/a b/%2F?c=d:e@f", "#")).toBe("/a%20b/%2F?c=d:e@f");
  });

  it("encodes what would end the value where it stands", () => {
    expect(encodeReserved("1&admin=true#x+y", "&#+")).toBe("1%26admin=true%23x%2By");
  });
});

import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { INITIAL, Registry, parseRawGrammar, type IGrammar } from "vscode-textmate";
import { createOnigScanner, createOnigString, loadWASM } from "vscode-oniguruma";
import { nextToken } from "../src/rtfs/formatter/tokens.ts";
import { Source, specialForms } from "../src/rtfs/index.ts";
import { repository } from "./run-process.ts";

const folder = join(repository, "editors");
let grammar: IGrammar;

beforeAll(async () => {
  const wasm = readFileSync(createRequire(import.meta.url).resolve("vscode-oniguruma/release/onig.wasm"));
  await loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
  const path = join(folder, "rtfs.tmLanguage.json");
  const registry = new Registry({
    onigLib: Promise.resolve({ createOnigScanner, createOnigString }),
    loadGrammar: () => Promise.resolve(parseRawGrammar(readFileSync(path, "utf8"), path)),
  });
  grammar = (await registry.loadGrammar("source.rtfs")) as IGrammar;
});

/** The innermost scope of each character, by its offset; without the name of the language. */
function scopes(text: string): string[] {
  const found: string[] = [];
  let stack = INITIAL;
  let start = 0;
  for (const line of text.split("\n")) {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, stack);
    stack = ruleStack;
    for (const { startIndex, endIndex, scopes: all } of tokens) {
      for (let at = startIndex; at < endIndex; at++) found[start + at] = (all.at(-1) as string).replace(/\.rtfs$/, "");
    }
    start += line.length + 1;
  }
  return found;
}

/** Each piece of one line that has a scope of its own. */
function pieces(line: string): [string, string][] {
  return grammar
    .tokenizeLine(line, INITIAL)
    .tokens.filter(({ scopes: all }) => all.length > 1)
    .map(({ startIndex, endIndex, scopes: all }) => [
      line.slice(startIndex, endIndex),
      (all.at(-1) as string).replace(/\.rtfs$/, ""),
    ]);
}

const files = ["examples", "capabilities", "test/corpus"].flatMap((name) =>
  readdirSync(join(repository, name), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".rtfs"))
    .map((file) => `${name}/${file}`),
);

const EXPECTED: Readonly<Record<string, RegExp>> = {
  keyword: /^constant\.other\.keyword$/,
  symbol: /^(?:variable|entity|keyword|support|punctuation\.separator\.type)/,
  open: /^(?:punctuation\.section|keyword\.operator\.function)/,
  close: /^punctuation\.section/,
  prefix: /^keyword\.operator/,
  "line-comment": /^comment\.line/,
  "block-comment": /^comment\.block/,
};

describe("the grammar", () => {
  test.each(files)("takes %s apart as the language does, and finds no mistake in it", (file) => {
    const text = readFileSync(join(repository, file), "utf8");
    const found = scopes(text);
    expect(found.filter((scope) => scope?.startsWith("invalid"))).toEqual([]);
    const source = new Source(text, file);
    for (let token = nextToken(source, 0); token !== undefined; token = nextToken(source, token.end)) {
      const written = text.slice(token.start, token.end);
      const expected =
        token.kind === "atom"
          ? written.startsWith('"')
            ? /string|escape/
            : /^(?:constant|string|variable)/
          : EXPECTED[token.kind];
      for (let at = token.start; at < token.end; at++) {
        if (text[at] !== "\n") expect(found[at], `${written} at ${token.start}`).toMatch(expected as RegExp);
      }
    }
  });

  test("marks every special form at the head of a list", () => {
    for (const { name } of specialForms()) {
      expect(pieces(`(${name} x)`)[1], name).toEqual([name, expect.stringMatching(/^keyword\./)]);
      expect(pieces(`(a-${name} y)`)[1]?.[1], `a-${name}`).toBe("entity.name.function.call");
    }
  });

  test.each<[string, [string, string][]]>([
    [
      "(defn area [w:int & more] : Int (* w 2.5)) ; docs",
      [
        ["(", "punctuation.section.list.begin"],
        ["defn", "keyword.declaration.function"],
        ["area", "entity.name.function"],
        ["[", "punctuation.section.vector.begin"],
        ["w", "variable.other"],
        [":int", "constant.other.keyword"],
        ["&", "keyword.operator.rest"],
        ["more", "variable.other"],
        ["]", "punctuation.section.vector.end"],
        [":", "punctuation.separator.type"],
        ["Int", "support.type"],
        ["(", "punctuation.section.list.begin"],
        ["*", "entity.name.function.call"],
        ["w", "variable.other"],
        ["2.5", "constant.numeric.float"],
        [")", "punctuation.section.list.end"],
        [")", "punctuation.section.list.end"],
        ["; docs", "comment.line.semicolon"],
      ],
    ],
    [
      '(call "a\\n" {:k nil})',
      [
        ["(", "punctuation.section.list.begin"],
        ["call", "support.function.call"],
        ['"', "punctuation.definition.string.begin"],
        ["a", "string.quoted.double"],
        ["\\n", "constant.character.escape"],
        ['"', "punctuation.definition.string.end"],
        ["{", "punctuation.section.map.begin"],
        [":k", "constant.other.keyword"],
        ["nil", "constant.language"],
        ["}", "punctuation.section.map.end"],
        [")", "punctuation.section.list.end"],
      ],
    ],
    ["-5", [["-5", "constant.numeric.integer"]]],
    ["-x", [["-x", "variable.other"]]],
    ["##-Inf", [["##-Inf", "constant.numeric.float"]]],
    ["truex", [["truex", "variable.other"]]],
    [":com.acme:v1.2/op", [[":com.acme:v1.2/op", "constant.other.keyword"]]],
    ["deadbeef-e89b-12d3-a456-426614174000", [["deadbeef-e89b-12d3-a456-426614174000", "constant.other.uuid"]]],
    ["@user", [["@user", "variable.other.context"]]],
    [
      "~@xs",
      [
        ["~@", "keyword.operator.quote"],
        ["xs", "variable.other"],
      ],
    ],
    ["%1", [["%1", "variable.parameter"]]],
  ])("gives %s its scopes", (line, expected) => {
    expect(pieces(line)).toEqual(expected);
  });

  test.each(["1.", "0x1f", "12ab", "(1]", ")", '"\\q"', "caf\u00e9", "a|b", "\\a", "#{1}"])(
    "marks a mistake in %s",
    (text) => {
      expect(scopes(text).some((scope) => scope.startsWith("invalid"))).toBe(true);
    },
  );
});

test("the extension names files that are there", () => {
  const { contributes } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    contributes: { languages: { configuration: string }[]; grammars: { path: string; scopeName: string }[] };
  };
  const [language] = contributes.languages;
  const [used] = contributes.grammars;
  const configuration = JSON.parse(readFileSync(join(folder, language?.configuration as string), "utf8")) as {
    wordPattern: string;
  };
  expect("(string-length x)".match(new RegExp(configuration.wordPattern))?.[0]).toBe("string-length");
  expect(JSON.parse(readFileSync(join(folder, used?.path as string), "utf8"))).toMatchObject({
    scopeName: used?.scopeName,
  });
});

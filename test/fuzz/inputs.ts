import { readdirSync, readFileSync } from "node:fs";
import { createSeededRandom, randomInteger, type Random } from "../../src/kernel/index.ts";
import { generatedProgram } from "./generate.ts";
import { HOST_NAMES, pick } from "./words.ts";
import { builtinNames, formText, readProgram, specialForms } from "../../src/rtfs/index.ts";

const folder = new URL("../corpus/", import.meta.url);
const CORPUS: readonly string[] = readdirSync(folder)
  .filter((name) => name.endsWith(".rtfs"))
  .flatMap((name) =>
    readProgram(readFileSync(new URL(name, folder), "utf8"), { file: name }).filter((_, index) => index % 3 === 0),
  )
  .map((form) => formText(form));

const FUNCTIONS = builtinNames();
const FORMS = specialForms().map(({ name }) => name);
const ATOMS = [
  "nil",
  "true",
  "false",
  "0",
  "1",
  "-1",
  "2",
  "7",
  "100",
  "9007199254740993",
  "-9223372036854775808",
  "9223372036854775807",
  "0.0",
  "-0.0",
  "1.5",
  "1e308",
  "1e-320",
  "##Inf",
  "##-Inf",
  "##NaN",
  '""',
  '"a"',
  '"abc"',
  '"é😀"',
  '"\\u0000\\"\\\\"',
  '"1.5"',
  '"[1,{\\"a\\":2}]"',
  '"(a+)+$"',
  ":a",
  ":b",
  ":keys",
  ":as",
  "a",
  "b",
  "x",
  "f",
  "_",
  "&",
  "?",
  "[]",
  "{}",
  "()",
  "[1 2 3]",
  "{:a 1 :b [2 {:c 3}]}",
  '{"k" 1 2 :v}',
  "(list 1 2)",
  "'(a b)",
  "#(+ % 1)",
  "(fn [x] x)",
  "(fn [& r] r)",
  "inc",
  "+",
  "%",
  "%1",
  "@name",
  "@:x",
  "resource://x/y",
  "2024-05-06T07:08:09Z",
  "123e4567-e89b-12d3-a456-426614174000",
  ":int",
  ": Int",
  ":string?",
  "[:vector :int]",
  "[:map [:a :int ?]]",
  '(Exception. "e")',
  "(range 10)",
  "(range 3000)",
  ".getMessage",
  ".constructor",
];
const NUMBERS = ATOMS.filter((atom) => /^-?[\d.]+(?:e|$)/.test(atom));
const KEYWORDS = [":a", ":b", ":c", ":keys", ":as", ":else", ":int", ...HOST_NAMES.map((name) => `:${name}`)];
const TOKENS = [
  ...ATOMS,
  ...FUNCTIONS,
  ...FORMS,
  ...HOST_NAMES,
  "(",
  ")",
  "[",
  "]",
  "{",
  "}",
  "'",
  "`",
  "~",
  "~@",
  "^",
  "#(",
  ";",
  "#|",
  "|#",
  '"',
  "\\",
  ",",
  ":",
  "@",
  "\n",
  " ",
];
const CHARACTERS =
  '()[]{}()[]{}""\'`~@^#;:,.%&|\\/ \n\t\r0123456789+-eE_$*=<>!?abcxyznilfnλé😀\u0000\u0001\u007f\u0085\u2028\u202e\ufeff\ud800\udc00';

/** The input of this number: the same for the same seed, whatever was tried before. */
export function fuzzInput(seed: number, index: number): string {
  const random = createSeededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  switch (index % 8) {
    case 0:
      return characters(random);
    case 1:
      return Array.from({ length: randomInteger(random, 1, 30) }, () => pick(random, TOKENS)).join(
        random.next() < 0.8 ? " " : "",
      );
    case 2:
    case 3:
    case 4:
      return mutated(random);
    default:
      return generatedProgram(random);
  }
}

function characters(random: Random): string {
  const length = randomInteger(random, 0, 120);
  let text = "";
  for (let at = 0; at < length; at++) {
    text +=
      random.next() < 0.9
        ? (CHARACTERS[randomInteger(random, 0, CHARACTERS.length - 1)] as string)
        : String.fromCharCode(randomInteger(random, 0, 0xffff));
  }
  return text;
}

/** A program of the corpus with something taken out, put in, doubled, exchanged or mixed with another. */
function mutated(random: Random): string {
  let text = pick(random, CORPUS);
  for (let count = random.next() < 0.6 ? 1 : randomInteger(random, 2, 4); count > 0; count--) {
    const from = randomInteger(random, 0, text.length);
    const to = Math.min(text.length, from + randomInteger(random, 0, 12));
    switch (randomInteger(random, 0, 6)) {
      case 0:
        text = text.slice(0, from) + text.slice(to);
        break;
      case 1:
        text = text.slice(0, to) + text.slice(from, to).repeat(randomInteger(random, 1, 4)) + text.slice(to);
        break;
      case 2:
        text = `${text.slice(0, from)} ${pick(random, TOKENS)} ${text.slice(from)}`;
        break;
      case 3:
        text = replacedToken(random, text);
        break;
      case 4: {
        const other = pick(random, CORPUS);
        text = text.slice(0, from) + other.slice(randomInteger(random, 0, other.length));
        break;
      }
      case 5:
        text = `(${pick(random, FUNCTIONS)} ${text} ${pick(random, ATOMS)})`;
        break;
      default:
        text = text.slice(0, from) + characters(random).slice(0, 3) + text.slice(to);
    }
    if (text.length > 2_000) text = text.slice(0, 2_000);
  }
  return text;
}

function replacedToken(random: Random, text: string): string {
  const tokens = [...text.matchAll(/[^\s()[\]{}"]+/g)];
  if (tokens.length === 0) return text;
  const { 0: token, index } = pick(random, tokens);
  // Something of its own class most of the time: else hardly a program would get far.
  const alike = /^[-\d]/.test(token)
    ? NUMBERS
    : token.startsWith(":")
      ? KEYWORDS
      : FUNCTIONS.includes(token)
        ? FUNCTIONS
        : ATOMS;
  const by = random.next() < 0.1 ? pick(random, HOST_NAMES) : pick(random, random.next() < 0.8 ? alike : TOKENS);
  return text.slice(0, index) + by + text.slice(index + token.length);
}

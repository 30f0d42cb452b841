import { fail, setOwn, type ErrorPlace, type JsonObject, type JsonValue } from "../kernel/index.ts";

/** A JSON text read with the place of everything in it, so that an error can point at a line. */
export interface PlacedJson {
  readonly value: JsonValue;
  /** The place of the value at a path, or of the nearest thing around it that exists. */
  placeOf(path: readonly PropertyKey[], which?: "key" | "value"): ErrorPlace;
}

const DEEPEST = 64;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// oxlint-disable-next-line no-control-regex
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SPACE = /[ \t\r\n]*/y;
const WORDS: readonly (readonly [string, JsonValue])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
];

/** Reads JSON. A syntax error, a key given twice or a key `__proto__` is a `read-error` with its place. */
export function readJsonWithPlaces(text: string, file: string): PlacedJson {
  const places = new Map<string, { key: number; value: number }>();
  let at = text.startsWith("\uFEFF") ? 1 : 0;

  const placeAt = (offset: number): ErrorPlace => {
    const before = text.slice(0, offset).replace(/^\uFEFF/, "");
    const lineStart = before.lastIndexOf("\n") + 1;
    return { file, line: before.split("\n").length, column: before.length - lineStart + 1 };
  };
  const refuse = (offset: number, what: string): never => {
    const place = placeAt(offset);
    return fail("read-error", `${file}:${place.line}:${place.column} ${what}`, {
      place,
      remedy: "Correct the file; it is JSON.",
    });
  };
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return undefined;
    at += match[0].length;
    return match[0];
  };
  const skipTo = (expected: string): boolean => {
    take(SPACE);
    if (!text.startsWith(expected, at)) return false;
    at += expected.length;
    return true;
  };
  const string = (): string => {
    const start = at;
    const raw = take(STRING);
    return raw === undefined
      ? refuse(start, "a string begins here and does not end as JSON has it")
      : (JSON.parse(raw) as string);
  };

  const read = (path: readonly PropertyKey[], keyAt: number): JsonValue => {
    if (path.length > DEEPEST) refuse(at, `is nested deeper than ${DEEPEST} levels`);
    take(SPACE);
    places.set(pathKey(path), { key: keyAt < 0 ? at : keyAt, value: at });
    if (skipTo("{")) return object(path);
    if (skipTo("[")) return array(path);
    if (text[at] === '"') return string();
    for (const [word, value] of WORDS) {
      if (skipTo(word)) return value;
    }
    const number = take(NUMBER);
    if (number !== undefined) return Number(number);
    return refuse(at, at >= text.length ? "the file ends in the middle" : `unexpected ${JSON.stringify(text[at])}`);
  };

  const object = (path: readonly PropertyKey[]): JsonObject => {
    const result: JsonObject = {};
    if (skipTo("}")) return result;
    do {
      take(SPACE);
      const keyAt = at;
      if (text[at] !== '"')
        refuse(at, text[at] === "}" ? "a comma before the closing brace" : "expected a key in double quotes");
      const key = string();
      if (key === "__proto__") refuse(keyAt, "the key __proto__ is not allowed");
      if (Object.hasOwn(result, key)) refuse(keyAt, `the key ${JSON.stringify(key)} is here twice`);
      if (!skipTo(":")) refuse(at, `expected a colon after the key ${JSON.stringify(key)}`);
      setOwn(result, key, read([...path, key], keyAt));
    } while (skipTo(","));
    if (!skipTo("}")) refuse(at, "expected a comma or a closing brace");
    return result;
  };

  const array = (path: readonly PropertyKey[]): JsonValue[] => {
    const result: JsonValue[] = [];
    if (skipTo("]")) return result;
    do result.push(read([...path, result.length], -1));
    while (skipTo(","));
    if (!skipTo("]")) refuse(at, "expected a comma or a closing bracket");
    return result;
  };

  const value = read([], -1);
  take(SPACE);
  if (at < text.length) refuse(at, "expected nothing more after the value");
  return {
    value,
    placeOf(path, which = "key") {
      for (let length = path.length; length >= 0; length--) {
        const place = places.get(pathKey(path.slice(0, length)));
        if (place !== undefined) return placeAt(place[which]);
      }
      return { file, line: 1, column: 1 };
    },
  };
}

function pathKey(path: readonly PropertyKey[]): string {
  return JSON.stringify(path.map(String));
}

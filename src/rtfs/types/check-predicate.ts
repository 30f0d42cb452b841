import { compilePattern, type Pattern } from "./pattern.ts";
import { printBound } from "./print-type.ts";
import { keyText, listed, shorten } from "./show.ts";
import type { Predicate } from "./type.ts";
import type { View } from "./view.ts";

/** True where the predicate holds; else false, or what was found instead. */
export function predicateTest<V>(predicate: Predicate, view: View<V>): (value: V) => boolean | string {
  const compared = (test: (number: number | bigint) => boolean) => (value: V) => {
    const number = view.number(value);
    return number !== undefined && test(number);
  };
  const counted = (test: (count: number) => boolean, onlyStrings: boolean) => (value: V) => {
    const count = onlyStrings && view.string(value) === undefined ? undefined : view.count(value);
    return count !== undefined && (test(count) || `${count}`);
  };
  const matched = (pattern: Pattern | undefined) => (value: V) => {
    const text = view.string(value);
    return text !== undefined && (pattern === undefined || pattern(text));
  };
  switch (predicate.name) {
    case ">":
      return compared((number) => number > predicate.bound.value);
    case ">=":
      return compared((number) => number >= predicate.bound.value);
    case "<":
      return compared((number) => number < predicate.bound.value);
    case "<=":
      return compared((number) => number <= predicate.bound.value);
    case "in-range":
      return compared((number) => number >= predicate.low.value && number <= predicate.high.value);
    case "=":
      return (value) => view.equals(predicate.literal, value);
    case "!=":
      return (value) => !view.equals(predicate.literal, value);
    case "min-length":
      return counted((count) => count >= predicate.size, true);
    case "max-length":
      return counted((count) => count <= predicate.size, true);
    case "length":
      return counted((count) => count === predicate.size, true);
    case "min-count":
      return counted((count) => count >= predicate.size, false);
    case "max-count":
      return counted((count) => count <= predicate.size, false);
    case "count":
      return counted((count) => count === predicate.size, false);
    case "non-empty":
      return counted((count) => count > 0, false);
    case "matches-regex":
      return matched(compilePattern(predicate.pattern));
    case "is-url":
      return matched(isUrl);
    case "is-email":
      return matched(isEmail);
    case "required-keys":
      return (value) => {
        if (!view.isMap(value)) return false;
        const missing = predicate.keys.filter((key) => view.field(value, key) === undefined);
        return missing.length === 0 || `a map without ${missing.map(keyText).join(", ")}`;
      };
  }
}

/** What a predicate asks for, after "expected". */
export function describePredicate(predicate: Predicate): string {
  switch (predicate.name) {
    case ">":
    case ">=":
    case "<":
    case "<=":
      return `${predicate.name} ${printBound(predicate.bound)}`;
    case "in-range":
      return `a number from ${printBound(predicate.low)} to ${printBound(predicate.high)}`;
    case "=":
    case "!=":
      return `${predicate.name} ${listed([predicate.literal])}`;
    case "min-length":
      return `at least ${predicate.size} characters`;
    case "max-length":
      return `at most ${predicate.size} characters`;
    case "length":
      return `exactly ${predicate.size} characters`;
    case "min-count":
      return `at least ${predicate.size} items`;
    case "max-count":
      return `at most ${predicate.size} items`;
    case "count":
      return `exactly ${predicate.size} items`;
    case "non-empty":
      return "something that is not empty";
    case "matches-regex":
      return `a text that matches ${shorten(JSON.stringify(predicate.pattern), 100)}`;
    case "is-url":
      return "a URL";
    case "is-email":
      return "an e-mail address";
    case "required-keys":
      return `the keys ${predicate.keys.map(keyText).join(", ")}`;
  }
}

function isUrl(text: string): boolean {
  return text.length <= 100_000 && /^[A-Za-z][A-Za-z0-9+.-]*:\/\/\S+$/.test(text) && URL.canParse(text);
}

function isEmail(text: string): boolean {
  return text.length <= 320 && /^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+$/.test(text);
}

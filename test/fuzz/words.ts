import { randomInteger, type Random } from "../../src/kernel/index.ts";

/** What exists in JavaScript and must mean nothing in a program. */
export const HOST_NAMES = [
  "constructor", "__proto__", "prototype", "process", "globalThis", "global", "window", "require", "module", "exports",
  "toString", "valueOf", "hasOwnProperty", "isPrototypeOf", "toJSON", "then", "eval", "Function", "Object", "Reflect",
  "Symbol", "this", "self", "arguments", "caller", "callee", "__defineGetter__", "__lookupGetter__", "length", "name",
  "undefined", "NaN", "Infinity", "import", "new", "delete", "console", "fs", "Buffer", "setTimeout", "Promise",
];

export const pick = <T>(random: Random, from: readonly T[]): T => from[randomInteger(random, 0, from.length - 1)] as T;

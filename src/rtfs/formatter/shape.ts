import { isTypeName } from "../types/index.ts";
import type { Piece } from "./tree.ts";

/**
 * How a piece follows its sibling before, where the group does not fit on one line:
 *
 * - `join`: on the same line;
 * - `keep`: as the source has it;
 * - `value`: the same, but it belongs to a key: further in on a new line, in a column with others if the source has one;
 * - `flow`: as the source has it, and on a new line where it does not fit;
 * - `line`: on a line of its own.
 */
export type Role = "join" | "keep" | "value" | "flow" | "line";

export interface Shape {
  /** By the index of the child; that of the first says nothing. */
  readonly roles: readonly Role[];
  /** Where lines begin: two columns in, under the first argument if that follows the head, or behind the opening bracket. */
  readonly indent: "body" | "arguments" | "items";
  /** Items on lines as full as they go, instead of a line each, where they do not fit. */
  readonly fill: boolean;
}

/** Special forms that have so many parts before their body. */
const HEADERS: ReadonlyMap<string, number> = new Map([
  ["let", 1],
  ["for", 1],
  ["dotimes", 1],
  ["when", 1],
  ["if", 1],
  ["do", 0],
  ["try", 0],
  ["finally", 0],
  ["step-if", 1],
  ["step-loop", 1],
  ["step-parallel", 0],
  ["resource", 1],
  ["module", 1],
]);
const FUNCTIONS: ReadonlySet<string> = new Set(["fn", "λ", "defn", "defmacro"]);
/** What a type begins with: the parts after it stand under the first of them. */
const TYPE_HEADS: ReadonlySet<string> = new Set([
  ":map",
  ":record",
  ":vector",
  ":tuple",
  ":array",
  ":map-of",
  ":dict",
  ":union",
  ":optional",
  ":enum",
  ":and",
  ":fn",
  ":=>",
]);
const BINDERS: ReadonlySet<string> = new Set(["let", "for", "dotimes"]);

/** The shape of a group, by what it begins with and where it stands. */
export function shapeOf(group: Piece, parent: Piece | undefined, index: number): Shape {
  const { children } = group;
  switch (group.text) {
    case "[": {
      const binds = index === 1 && parent?.text === "(" && BINDERS.has(parent.children[0]?.text ?? "");
      if (binds) return { roles: bindingRoles(children), indent: "items", fill: false };
      return vectorShape(children);
    }
    case "{":
      return { roles: pairRoles(children, 0), indent: "items", fill: false };
    case "(":
    case "#(":
      return listShape(children);
    default:
      return { roles: roles(children, () => "keep"), indent: "items", fill: false };
  }
}

function vectorShape(children: readonly Piece[]): Shape {
  const atoms = children.every((child) => child.close === undefined);
  const isType = TYPE_HEADS.has(children[0]?.text ?? "");
  const stay = children.length === 2 || (isType && atoms);
  const role = (at: number): Role => (children[at]?.text === "?" ? "join" : at === 1 && stay ? "keep" : "flow");
  return { roles: roles(children, role), indent: isType ? "arguments" : "items", fill: atoms };
}

function listShape(children: readonly Piece[]): Shape {
  const head = children[0];
  const body = (made: readonly Role[]): Shape => ({ roles: made, indent: "body", fill: false });
  if (head?.symbol === true) {
    const { text } = head;
    const header = HEADERS.get(text);
    if (header !== undefined) return body(roles(children, (at) => (at <= header ? "join" : "line")));
    if (FUNCTIONS.has(text)) return body(functionRoles(children));
    switch (text) {
      case "def":
      case "deftype":
        return body(roles(children, (at) => (at === 1 || isAnnotation(children, at) ? "join" : "keep")));
      case "catch": {
        const named = children.length > 3 && isName(children[1]) && children[2]?.symbol === true;
        return body(roles(children, (at) => (at <= (named ? 2 : 1) ? "join" : "line")));
      }
      case "step":
        return body(stepRoles(children));
      case "cond":
        return body(pairRoles(children, 1));
      case "match":
        return body(matchRoles(children));
      case "capability":
      case "plan":
      case "defstruct":
        return body(["join", "join", ...pairRoles(children.slice(2), 0, "line")]);
      default:
    }
  }
  const indent = head?.symbol === true || head?.keyword === true ? "arguments" : "items";
  return {
    roles: roles(children, (at) => (at === 1 && indent === "arguments" ? "keep" : "flow")),
    indent,
    fill: false,
  };
}

function roles(children: readonly Piece[], role: (index: number) => Role): Role[] {
  return children.map((_child, index) => role(index));
}

function isName(piece: Piece | undefined): boolean {
  return piece?.symbol === true || piece?.keyword === true;
}

/** The colon of `name : Type`, the type, and the mark after it. */
function isAnnotation(children: readonly Piece[], at: number): boolean {
  const [before, piece] = [children[at - 1], children[at]];
  return piece?.text === ":" || before?.text === ":" || (piece?.text === "?" && children[at - 2]?.text === ":");
}

/** Name, parameters and return type on the first line; the body below. */
function functionRoles(children: readonly Piece[]): Role[] {
  const parameters = children.findIndex((child, at) => at > 0 && isParameters(child));
  if (parameters < 0) return roles(children, (at) => (at === 1 ? "join" : "flow"));
  let body = parameters + 1;
  if (children[body]?.text === ":") body += 2;
  else if (children[body]?.keyword === true && body + 1 < children.length) body++;
  if (children[body]?.text === "?") body++;
  return roles(children, (at) => (at >= body ? "line" : at > parameters || at === 1 ? "join" : "keep"));
}

function isParameters(piece: Piece): boolean {
  return piece.text === "[" || (piece.text === "^" && piece.children.at(-1)?.text === "[");
}

/** Name and options on the first line. */
function stepRoles(children: readonly Piece[]): Role[] {
  let body = 2;
  while (children[body]?.keyword === true && body + 1 < children.length) body += 2;
  return roles(children, (at) => (at >= body ? "line" : at === 1 ? "join" : "keep"));
}

/** Keys on lines of their own, each followed by its value; a `?` belongs to the value before it. */
function pairRoles(children: readonly Piece[], from: number, first: Role = "join"): Role[] {
  const made: Role[] = roles(children.slice(0, from), () => "join");
  let expected: Role = "line";
  for (let at = from; at < children.length; at++) {
    if (children[at]?.text === "?" && expected === "line" && at >= from + 2) {
      made.push("join");
      continue;
    }
    made.push(at === 0 ? first : expected);
    expected = expected === "line" ? "value" : "line";
  }
  return made;
}

/** Clauses on lines of their own: a pattern, perhaps a guard, and a body. */
function matchRoles(children: readonly Piece[]): Role[] {
  const made: Role[] = ["join", "join"];
  for (let at = 2; at < children.length;) {
    const guarded = children[at + 1]?.text === "when" && at + 3 < children.length;
    made.push("line");
    if (guarded) made.push("join", "join");
    at += guarded ? 3 : 1;
    if (at++ < children.length) made.push("value");
  }
  return made;
}

/** Bindings on lines of their own: a pattern, perhaps a type, and a value. */
function bindingRoles(children: readonly Piece[]): Role[] {
  const divides = bindingStarts(children);
  const made: Role[] = [];
  for (let at = 0; at < children.length;) {
    made.push("line");
    const value = valueIndex(children, at, divides);
    for (let within = at + 1; within < value && within < children.length; within++) made.push("join");
    if (value < children.length) made.push("value");
    at = value + 1;
  }
  return made;
}

/** The index of the value of the binding that starts here. */
function valueIndex(children: readonly Piece[], at: number, divides: readonly boolean[]): number {
  const after = children[at + 1];
  let value = at + 1;
  if (after?.text === ":") value = at + 3;
  else if (after?.glued === true) value = at + 2;
  else if (isTypeKeyword(after) && divides[at + 3] === true) value = at + 2;
  return value > at + 1 && children[value]?.text === "?" ? value + 1 : value;
}

function isTypeKeyword(piece: Piece | undefined): boolean {
  return piece?.keyword === true && isTypeName(piece.text.slice(1));
}

/** For each index whether whole bindings lead from it to the end, as the language divides them. */
function bindingStarts(children: readonly Piece[]): boolean[] {
  const ends: boolean[] = new Array<boolean>(children.length + 4).fill(false);
  ends[children.length] = true;
  for (let at = children.length - 2; at >= 0; at--) {
    const after = children[at + 1];
    if (after?.text === ":") ends[at] = ends[at + 4] === true;
    else if (after?.glued === true) ends[at] = ends[at + 3] === true;
    else ends[at] = ends[at + 2] === true || (isTypeKeyword(after) && ends[at + 3] === true);
  }
  return ends;
}

import type { Source } from "../source.ts";
import { nextToken, type Token } from "./tokens.ts";

export interface Comment {
  readonly text: string;
  /** `#| … |#`, which may stand within a line. */
  readonly block: boolean;
  readonly newlines: number;
}

/** A piece of source as it is laid out: an atom, or brackets (or a reader prefix) with what they hold. */
export interface Piece {
  /** The text of an atom, else what opens the group. */
  text: string;
  /** Undefined for an atom; "" closes what a prefix opens. */
  readonly close: string | undefined;
  readonly children: Piece[];
  /** Stand before it. */
  readonly comments: readonly Comment[];
  /** Stand after the last child. */
  readonly dangling: Comment[];
  /** Line ends between what stands before (a comment too) and this. */
  readonly newlines: number;
  /** Two or more spaces stand before it, on the same line. */
  readonly spaced: boolean;
  /** Nothing stands between it and its sibling before, and that has a meaning: `x:int`. */
  readonly glued: boolean;
  readonly symbol: boolean;
  readonly keyword: boolean;
}

export interface Tree {
  readonly children: readonly Piece[];
  readonly dangling: readonly Comment[];
  /** The text ends before its forms do. */
  readonly unfinished: boolean;
  /** Brackets do not match. */
  readonly mismatched: boolean;
}

const PARTNERS: Readonly<Record<string, string>> = { "(": ")", "#(": ")", "[": "]", "{": "}" };

/** The pieces of a text, comments included. Throws `read-error` for what is no token. */
export function buildTree(source: Source): Tree {
  const { text } = source;
  const top: Piece = blank("", "", undefined, [], false, false);
  const open: Piece[] = [];
  let comments: Comment[] = [];
  let previousEnd = -1;
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;

  const add = (made: Piece): Piece => {
    const parent = open.at(-1) ?? top;
    // `~@x` would splice; `~ @x` inserts a value of the context.
    if (
      parent.text === "~" &&
      parent.children.length === 0 &&
      made.text.startsWith("@") &&
      made.comments.length === 0
    ) {
      parent.text = "~ ";
    }
    parent.children.push(made);
    comments = [];
    return made;
  };
  /** Ends the prefixes that have what they stand before. */
  const settle = (): void => {
    for (let last = open.at(-1); last?.close === "" && isComplete(last); last = open.at(-1)) open.pop();
  };

  for (let token = nextToken(source, at); token !== undefined; token = nextToken(source, at)) {
    const written = text.slice(token.start, token.end);
    at = token.end;
    switch (token.kind) {
      case "unfinished":
        return { children: top.children, dangling: comments, unfinished: true, mismatched: false };
      case "line-comment":
      case "block-comment":
        comments.push({ text: written.trimEnd(), block: token.kind === "block-comment", newlines: token.newlines });
        break;
      case "close": {
        const last = open.pop();
        if (last?.close !== written)
          return { children: top.children, dangling: comments, unfinished: false, mismatched: true };
        last.dangling.push(...comments);
        comments = [];
        settle();
        break;
      }
      default: {
        const close = token.kind === "open" ? PARTNERS[written] : token.kind === "prefix" ? "" : undefined;
        const parent = open.at(-1) ?? top;
        const before = parent.children.at(-1);
        const adjacent = token.start === previousEnd && comments.length === 0 && before !== undefined;
        const glued = adjacent && sticks(written, token, before, parent);
        const spaced = token.newlines === 0 && token.start - previousEnd > 1;
        const made = add(blank(written, close, token, comments, glued, spaced));
        if (close !== undefined) open.push(made);
        else settle();
      }
    }
    previousEnd = token.end;
  }
  return { children: top.children, dangling: comments, unfinished: open.length > 0, mismatched: false };
}

function blank(
  text: string,
  close: string | undefined,
  token: Token | undefined,
  comments: readonly Comment[],
  glued: boolean,
  spaced: boolean,
): Piece {
  const symbol = token?.kind === "symbol";
  const keyword = token?.kind === "keyword";
  return {
    text,
    close,
    children: [],
    comments,
    dangling: [],
    newlines: token?.newlines ?? 0,
    spaced,
    glued,
    symbol,
    keyword,
  };
}

/** Whether a token that directly follows a sibling must go on doing so: a type after a pattern, a mark after a type. */
function sticks(written: string, token: Token, before: Piece, parent: Piece): boolean {
  const afterGroup = before.close !== undefined && before.close !== ")";
  if (token.kind === "keyword") return parent.text !== "{" && (before.symbol || afterGroup);
  return written === "?" && afterGroup;
}

/** Whether a prefix has all that it stands before: one form; after ^ what it says, and a form. */
function isComplete({ text, children }: Piece): boolean {
  if (text !== "^") return children.length === 1;
  const [first, second] = children;
  if (first?.close !== undefined) return children.length === 2;
  return second !== undefined && children.length === (second.text === ":local" ? 3 : 4);
}

/** What an operation does. */
export type OperationKind = "query" | "mutation" | "subscription";

/** An operation of a document, as its text begins. */
export interface OperationHead {
  readonly kind: OperationKind;
  readonly name: string | undefined;
}

/** Nesting beyond this is refused: whoever goes through a document by recursion would run out of stack. */
export const DEEPEST_NESTING = 100;
/** Characters of a document. */
export const LONGEST_DOCUMENT = 256 * 1024;

const KINDS: ReadonlySet<string> = new Set<OperationKind>(["query", "mutation", "subscription"]);
// Block strings, strings, comments, names, and any other character. A string that does not end goes on to the end of its
// line, a block string to that of the text, so that no part is gone through twice: that they are wrong is the parser's to say.
const TOKEN = /"""(?:\\"""|[^])*?(?:"""|$)|"(?:\\.|[^"\\\n\r])*"?|#[^\n\r]*|[_A-Za-z][_0-9A-Za-z]*|[^\s,\ufeff]/g;

/** What a look at the text tells, without a parser: enough to know what a call does before anything is loaded. */
export interface DocumentOutline {
  readonly operations: readonly OperationHead[];
  /** How deep its braces, brackets and parentheses go. */
  readonly depth: number;
}

/** Finds the operations of a document. Whether the rest of it is sound is the parser's to say. */
export function outlineOf(text: string): DocumentOutline {
  const operations: OperationHead[] = [];
  let depth = 0;
  let deepest = 0;
  /** Where a definition may begin; then the operation whose name may follow. */
  let isStart = true;
  let unnamed: OperationKind | undefined;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token.startsWith("#") || (token.startsWith('"') && isStart)) continue;
    const before = unnamed;
    unnamed = undefined;
    if (before !== undefined) {
      const isName = /^\w/.test(token);
      operations.push({ kind: before, name: isName ? token : undefined });
      if (isName) continue;
    }
    if (token === "{" || token === "(" || token === "[") {
      if (depth === 0 && isStart) operations.push({ kind: "query", name: undefined });
      deepest = Math.max(deepest, ++depth);
      isStart = false;
    } else if (token === "}" || token === ")" || token === "]") {
      depth = Math.max(0, depth - 1);
      isStart = depth === 0 && token === "}";
    } else if (isStart) {
      isStart = false;
      if (KINDS.has(token)) unnamed = token as OperationKind;
    }
  }
  if (unnamed !== undefined) operations.push({ kind: unnamed, name: undefined });
  return { operations, depth: deepest };
}

import { isCcosError } from "../kernel/index.ts";
import { buildTree } from "./formatter/tree.ts";
import { Source } from "./source.ts";

/**
 * Whether a text only lacks its end: a form, a string or a comment is open, and more text may close it.
 * A text with any other mistake is not unfinished: more would not help.
 */
export function isUnfinished(text: string): boolean {
  try {
    return buildTree(new Source(text)).unfinished;
  } catch (error) {
    if (!isCcosError(error)) throw error;
    return false;
  }
}

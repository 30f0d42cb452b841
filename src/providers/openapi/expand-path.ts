import type { JsonValue } from "../../kernel/index.ts";
import { kindOf } from "./media-type.ts";
import type { Parameter } from "./operation.ts";
import { contentText, encodeAll, encodeReserved, labelText, matrixText, simpleText, type Refuse } from "./serialize.ts";

const PLACEHOLDER = /\{(\+?)([^{}]+)\}/;
/** A step that leads nowhere or up, before the query. */
const STEP = /^[^?]*\/(?:\.|%2e){1,2}(?:[/?]|$)/i;

/** Whether a path has `.` or `..` among its steps, and so would be another one once it is an address. */
export function leadsUp(path: string): boolean {
  return STEP.test(path);
}

/** Whether a text is a path without placeholders, which stays below the base URL that it is added to. */
export function isPlainPath(path: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return /^\/(?!\/)[^\u0000-\u0020\\#]*$/.test(path) && !leadsUp(path);
}

/** A template in its parts, read once: what stands between the placeholders, and the placeholders. */
export interface PathTemplate {
  /** One more than there are placeholders. */
  readonly literals: readonly string[];
  readonly placeholders: readonly { readonly name: string; readonly reserved: boolean }[];
}

/** `{name}` is a placeholder, and `{+name}` one that keeps reserved characters such as `/`. */
export function parseTemplate(template: string): PathTemplate {
  const pieces = template.split(PLACEHOLDER);
  const placeholders: { name: string; reserved: boolean }[] = [];
  const literals = [pieces[0] as string];
  for (let at = 1; at < pieces.length; at += 3) {
    placeholders.push({ reserved: pieces[at] !== "", name: pieces[at + 1] as string });
    literals.push(pieces[at + 2] as string);
  }
  return { literals, placeholders };
}

export interface PathValue {
  readonly parameter: Parameter;
  readonly value: JsonValue;
  readonly refuse: Refuse;
}

/**
 * The path of a request. A value never leads to another place than its own: it is refused where it is empty (the
 * address of a list is not that of one of its items), or would make a step up.
 */
export function expandPath({ literals, placeholders }: PathTemplate, valueOf: (name: string) => PathValue): string {
  let path = literals[0] as string;
  let last: PathValue | undefined;
  for (const [index, { name, reserved }] of placeholders.entries()) {
    last = valueOf(name);
    const { parameter, value, refuse } = last;
    const text = write(parameter, value, reserved || parameter.allowReserved, refuse);
    path += (text === "" ? refuse("is empty, and it is a part of the path") : text) + literals[index + 1];
  }
  if (last !== undefined && leadsUp(path)) last.refuse('would make "." or ".." a step of the path');
  return path;
}

function write(parameter: Parameter, value: JsonValue, reserved: boolean, refuse: Refuse): string {
  const encode = reserved ? (text: string) => encodeReserved(text, "?#") : encodeAll;
  const { name, style, explode, content } = parameter;
  if (content !== undefined) return encode(contentText(value, kindOf(content) === "json"));
  if (style === "label") return labelText(value, { explode, encode, refuse });
  if (style === "matrix") return matrixText(value, { name, explode, encode, refuse });
  return simpleText(value, { explode, encode, refuse });
}

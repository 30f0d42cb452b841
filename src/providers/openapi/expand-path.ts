import type { JsonValue } from "../../kernel/index.ts";
import { kindOf } from "./media-type.ts";
import type { Parameter } from "./operation.ts";
import { contentText, encodeAll, encodeReserved, labelText, matrixText, simpleText, type Refuse } from "./serialize.ts";

const PLACEHOLDER = /\{(\+?)([^{}]+)\}/g;

/** The names between braces, each once. `{+name}` keeps reserved characters such as `/`. */
export function placeholdersOf(template: string): string[] {
  return [...new Set(Array.from(template.matchAll(PLACEHOLDER), ([, , name]) => name as string))];
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
export function expandPath(template: string, valueOf: (name: string) => PathValue): string {
  const path = template.replace(PLACEHOLDER, (_match, reserved: string, name: string) => {
    const { parameter, value, refuse } = valueOf(name);
    const text = write(parameter, value, reserved !== "" || parameter.allowReserved, refuse);
    return text === "" ? refuse("is empty, and it is a part of the path") : text;
  });
  const [steps = ""] = path.split("?", 1);
  if (steps.split("/").some((step) => /^(?:\.|%2e){1,2}$/i.test(step))) {
    const [name = ""] = placeholdersOf(template);
    return valueOf(name).refuse('would make "." or ".." a step of the path');
  }
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

import { isJsonObject, stringifyJson, type JsonValue } from "../../kernel/index.ts";
import type { ParameterStyle } from "./operation.ts";

/** A text as it stands in a request: percent-encoded or not. */
export type Encode = (text: string) => string;

/** Throws `invalid-argument` for the value that is being written. */
export type Refuse = (what: string) => never;

const NESTED = 16;
const PLAIN = /^[\w.~-]*$/;

/** Everything but the unreserved characters of RFC 3986 is percent-encoded. */
export const encodeAll: Encode = (text) =>
  PLAIN.test(text)
    ? text
    : encodeURIComponent(text.toWellFormed()).replace(
        /[!'()*]/g,
        (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
      );

/**
 * Reserved characters stay, and what is percent-encoded already (RFC 6570, `{+name}`). Encoded is what would end the
 * value where it stands: a value must not become another parameter, or the end of the address.
 */
export const encodeReserved = (text: string, ends: string): string =>
  text
    .split(/(%[0-9A-Fa-f]{2})/)
    .map((piece, index) =>
      index % 2 === 1
        ? piece
        : piece.replace(/[^:/?#[\]@!$&'()*+,;=]+|./gsu, (some) =>
            some.length === 1 && ":/?#[]@!$&'()*+,;=".includes(some) && !ends.includes(some) ? some : encodeAll(some),
          ),
    )
    .join("");

/** A value without parts as text. */
export function scalarText(value: JsonValue, refuse: Refuse): string {
  if (typeof value === "string") return value;
  if (value === null) return "";
  if (typeof value === "object") return refuse("holds lists or maps inside each other, which its style cannot say");
  return String(value);
}

export interface Form {
  readonly name: string;
  readonly style: ParameterStyle;
  readonly explode: boolean;
  readonly encode: Encode;
  /** For names, which have no reserved characters to keep. Default: as `encode`. */
  readonly encodeName?: Encode;
  readonly refuse: Refuse;
}

/**
 * A value as `name=value` pairs, in any style of queries, cookies and forms; none where it has no parts. Parts that
 * are null are left out. What OpenAPI leaves open for `deepObject` is done as most servers read it: maps within maps
 * are `a[b][c]`, lists `a[b][0]`.
 *
 * @see https://spec.openapis.org/oas/v3.1.1.html#style-examples
 */
export function pairsOf(value: JsonValue, form: Form): [name: string, value: string][] {
  const { name, style, explode, encode, encodeName = encode, refuse } = form;
  const key = encodeName(name);
  const text = (part: JsonValue): string => encode(scalarText(part, refuse));
  if (style === "deepObject") return deepPairs(name, value, form, 0);
  if (Array.isArray(value)) {
    const items = value.filter((item) => item !== null).map(text);
    if (explode) return items.map((item) => [key, item]);
    return items.length === 0 ? [] : [[key, items.join(delimiterOf(form))]];
  }
  if (isJsonObject(value)) {
    const entries = partsOf(value).map(([part, inner]) => [encodeName(part), text(inner)] as [string, string]);
    if (explode) return entries;
    return entries.length === 0 ? [] : [[key, entries.flat().join(delimiterOf(form))]];
  }
  return [[key, text(value)]];
}

function delimiterOf({ style, encode }: Form): string {
  return style === "spaceDelimited" ? encode(" ") : style === "pipeDelimited" ? encode("|") : ",";
}

function deepPairs(name: string, value: JsonValue, form: Form, depth: number): [string, string][] {
  if (typeof value !== "object" || value === null)
    return [[(form.encodeName ?? form.encode)(name), form.encode(scalarText(value, form.refuse))]];
  if (depth > NESTED) return form.refuse(`nests deeper than ${NESTED} levels`);
  const parts: [string, JsonValue][] = Array.isArray(value)
    ? value.map((item, index) => [String(index), item] as [string, JsonValue]).filter(([, item]) => item !== null)
    : partsOf(value);
  return parts.flatMap(([part, inner]) => deepPairs(`${name}[${part}]`, inner, form, depth + 1));
}

function partsOf(value: { readonly [key: string]: JsonValue }): [string, JsonValue][] {
  return Object.entries(value).filter(([, inner]) => inner !== null);
}

/** A value in the style `simple`: `a,b`, `R,100,G,200`, or `R=100,G=200`; empty where it has no parts. */
export function simpleText(value: JsonValue, { explode, encode, refuse }: Omit<Form, "name" | "style">): string {
  return listText(value, { explode, encode, refuse }, ",");
}

/** In the style `label`: `.a.b` (exploded) or `.a,b`. */
export function labelText(value: JsonValue, form: Omit<Form, "name" | "style">): string {
  return `.${listText(value, form, form.explode ? "." : ",")}`;
}

/** In the style `matrix`: `;color=a;color=b` (exploded) or `;color=a,b`; `;color` for an empty text. */
export function matrixText(value: JsonValue, form: Omit<Form, "style">): string {
  return pairsOf(value, { ...form, style: "form" })
    .map(([name, text]) => (text === "" ? `;${name}` : `;${name}=${text}`))
    .join("");
}

function listText(
  value: JsonValue,
  { explode, encode, refuse }: Omit<Form, "name" | "style">,
  between: string,
): string {
  const text = (part: JsonValue): string => encode(scalarText(part, refuse));
  if (Array.isArray(value))
    return value
      .filter((item) => item !== null)
      .map(text)
      .join(between);
  if (!isJsonObject(value)) return text(value);
  return partsOf(value)
    .map(([name, inner]) => `${encode(name)}${explode ? "=" : ","}${text(inner)}`)
    .join(between);
}

/** A value as the media type says that a parameter, or a field of a form, holds. */
export function contentText(value: JsonValue, isJson: boolean): string {
  return !isJson && typeof value === "string" ? value : stringifyJson(value);
}

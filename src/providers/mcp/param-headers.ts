import type { JsonObject, JsonValue } from "../../kernel/index.ts";
import { getOwn, isJsonObject } from "../../kernel/index.ts";

/**
 * Arguments that a tool wants repeated as HTTP headers (`x-mcp-header` in its input schema, revision
 * 2026-07-28): servers and proxies route by them without reading the body.
 */
export interface ParamHeader {
  readonly path: readonly string[];
  /** The part after `Mcp-Param-`. */
  readonly name: string;
}

export type ParamHeaders =
  | { readonly ok: true; readonly headers: readonly ParamHeader[] }
  /** The tool's definition breaks the rules, and such a tool must not be used over HTTP. */
  | { readonly ok: false; readonly reason: string };

const KEY = "x-mcp-header";
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const TYPES = new Set(["string", "integer", "boolean"]);
const DEEPEST = 64;

/** Places below which a declaration is not allowed; those with named members first. */
const NAMED_PLACES = ["patternProperties", "dependentSchemas", "$defs", "definitions"];
const OTHER_PLACES = [
  "items",
  "prefixItems",
  "contains",
  "additionalProperties",
  "unevaluatedProperties",
  "unevaluatedItems",
  "propertyNames",
  "oneOf",
  "anyOf",
  "allOf",
  "not",
  "if",
  "then",
  "else",
];

/** The declarations of an input schema, or what is wrong with them. */
export function scanParamHeaders(schema: unknown): ParamHeaders {
  const headers: ParamHeader[] = [];
  const seen = new Set<string>();

  const visit = (node: unknown, path: readonly string[], reachable: boolean): string | undefined => {
    if (!isJsonObject(node) || path.length > DEEPEST) return undefined;
    const place = path.length === 0 ? "the root" : path.join(".");
    const name = getOwn(node, KEY);
    if (name !== undefined) {
      if (!reachable || path.length === 0) return `${place}: only a property may declare ${KEY}`;
      if (typeof name !== "string" || !TOKEN.test(name)) return `${place}: ${KEY} is no name of a header`;
      const type = getOwn(node, "type");
      if (typeof type !== "string" || !TYPES.has(type))
        return `${place}: ${KEY} needs a string, an integer or a boolean`;
      if (seen.has(name.toLowerCase())) return `${place}: ${KEY} ${JSON.stringify(name)} is declared twice`;
      seen.add(name.toLowerCase());
      headers.push({ path, name });
    }
    const properties = getOwn(node, "properties");
    if (isJsonObject(properties)) {
      for (const [key, child] of Object.entries(properties)) {
        const fault = visit(child, [...path, key], reachable);
        if (fault !== undefined) return fault;
      }
    }
    for (const key of NAMED_PLACES) {
      const members = getOwn(node, key);
      if (!isJsonObject(members)) continue;
      for (const member of Object.values(members)) {
        const fault = visit(member, [...path, key], false);
        if (fault !== undefined) return fault;
      }
    }
    for (const key of OTHER_PLACES) {
      const member = getOwn(node, key);
      for (const item of Array.isArray(member) ? member : [member]) {
        const fault = visit(item, [...path, key], false);
        if (fault !== undefined) return fault;
      }
    }
    return undefined;
  };

  const reason = visit(schema, [], true);
  return reason === undefined ? { ok: true, headers } : { ok: false, reason };
}

/** The headers of one call. A value that is absent, null or of another kind gives none. */
export function paramHeaders(declared: readonly ParamHeader[], input: JsonValue): Record<string, string> {
  const result: Record<string, string> = {};
  for (const { path, name } of declared) {
    let value: JsonValue | undefined = input;
    for (const key of path) value = isJsonObject(value) ? getOwn(value, key) : undefined;
    const text = headerText(value);
    if (text !== undefined) result[`mcp-param-${name.toLowerCase()}`] = encodeHeaderValue(text);
  }
  return result;
}

function headerText(value: JsonValue | undefined): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number" && Number.isFinite(value)) {
    return Number.isInteger(value) && !Number.isSafeInteger(value) ? undefined : String(value);
  }
  return undefined;
}

// Printable ASCII and tab, without white space at the ends, which parsers strip.
const PLAIN = /^(?![\t ])[\t\u0020-\u007e]+(?<![\t ])$/;

/** A text as the value of a header: as it is where that is safe, else as Base64 in the marks of the protocol. */
export function encodeHeaderValue(text: string): string {
  if (PLAIN.test(text) && !(text.startsWith("=?base64?") && text.endsWith("?="))) return text;
  return `=?base64?${Buffer.from(text, "utf8").toString("base64")}?=`;
}

/** Declarations by the text of the schema: capabilities carry it as text, and calls repeat. */
export class ParamHeaderCache {
  readonly #known = new Map<string, ParamHeaders>();

  of(schemaText: string): ParamHeaders {
    let found = this.#known.get(schemaText);
    if (found === undefined) {
      found = schemaText.includes(KEY) ? scanText(schemaText) : { ok: true, headers: [] };
      if (this.#known.size >= 2000) this.#known.clear();
      this.#known.set(schemaText, found);
    }
    return found;
  }
}

function scanText(text: string): ParamHeaders {
  try {
    return scanParamHeaders(JSON.parse(text) as JsonObject);
  } catch {
    return { ok: true, headers: [] };
  }
}

import { getOwn, isJsonObject, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import { isDecidedHeader } from "./decided-headers.ts";
import { isMediaType } from "./media-type.ts";
import type { Encoding, MediaType, Parameter, ParameterPlace, ParameterStyle, RequestBody } from "./operation.ts";
import type { Complain } from "./read-operation.ts";

/** Which styles a place may have; its default comes first. https://spec.openapis.org/oas/v3.1.1.html#style-values */
const STYLES: Readonly<Record<ParameterPlace, readonly ParameterStyle[]>> = {
  path: ["simple", "label", "matrix"],
  query: ["form", "spaceDelimited", "pipeDelimited", "deepObject"],
  header: ["simple"],
  cookie: ["form"],
};
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,200}$/;

export function readParameters(value: JsonValue | undefined, complain: Complain): Parameter[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) return complain(":parameters is no vector.");
  const parameters = value
    .map((given, index) => readParameter(given, (what, remedy) => complain(`parameter ${index + 1}: ${what}`, remedy)))
    .filter((parameter) => !(parameter.in === "header" && isDecidedHeader(parameter.name)));
  const keys = new Set<string>();
  for (const { as } of parameters) {
    if (keys.has(as)) {
      complain(
        `two parameters are the key ${JSON.stringify(as.slice(0, 80))} of the input.`,
        "Give one of them another with :as.",
      );
    }
    keys.add(as);
  }
  return parameters;
}

function readParameter(given: JsonValue, complain: Complain): Parameter {
  if (!isJsonObject(given)) return complain("it is no map.");
  const text = textIn(given, complain);
  const name = text("name") ?? complain("it has no :name.");
  const place = text("in") ?? complain("it has no :in.");
  const styles = getOwn(STYLES as Record<string, readonly ParameterStyle[]>, place);
  if (styles === undefined) return complain(":in is none of path, query, header and cookie.");
  const style = styles.find((known) => known === (text("style") ?? styles[0]));
  if (style === undefined) return complain(`:style of a parameter in the ${place} is none of ${styles.join(", ")}.`);
  if (place === "header" && !HEADER_NAME.test(name)) complain(":name is no name of a header.");
  if (place === "cookie" && !HEADER_NAME.test(name)) complain(":name is no name of a cookie.");
  const content = contentOf(getOwn<JsonValue>(given, "content"));
  if (content !== undefined && !isMediaType(content)) complain(":content is no media type.");
  return {
    name,
    in: place as ParameterPlace,
    as: text("as") ?? name,
    style,
    explode: flag(given, "explode") ?? style === "form",
    allowReserved: flag(given, "allow_reserved") ?? false,
    required: place === "path" || (flag(given, "required") ?? false),
    content,
  };
}

/** A media type; in the words of a description, a map with one. */
function contentOf(value: JsonValue | undefined): string | undefined {
  if (isJsonObject(value)) return Object.keys(value)[0];
  return typeof value === "string" ? value : undefined;
}

export function readRequestBody(value: JsonValue | undefined, complain: Complain): RequestBody | undefined {
  if (value === undefined) return undefined;
  if (!isJsonObject(value)) return complain(":request_body is no map.");
  const text = textIn(value, (what) => complain(`:request_body: ${what}`));
  const content = new Map<string, MediaType>();
  const declared = getOwn<JsonValue>(value, "content") ?? { "application/json": {} };
  const types = typeof declared === "string" ? { [declared]: {} } : declared;
  const entries: [string, JsonValue][] = Array.isArray(types)
    ? types.map((type) => [String(type as string), {}])
    : isJsonObject(types)
      ? Object.entries(types)
      : complain(":content of :request_body is no map of media types.");
  for (const [type, media] of entries) {
    if (!isMediaType(type)) complain(`:request_body has ${JSON.stringify(type.slice(0, 80))}, which is no media type.`);
    content.set(type, {
      encoding: readEncoding(isJsonObject(media) ? getOwn<JsonValue>(media, "encoding") : undefined, complain),
    });
  }
  if (content.size === 0) complain(":content of :request_body is empty.");
  return {
    as: text("as") ?? "body",
    required: flag(value, "required") ?? false,
    content,
    contentTypeAs: text("content_type_as"),
  };
}

function readEncoding(value: JsonValue | undefined, complain: Complain): Map<string, Encoding> {
  const encoding = new Map<string, Encoding>();
  if (value === undefined || value === null) return encoding;
  if (!isJsonObject(value)) return complain(":encoding of :request_body is no map.");
  for (const [property, given] of Object.entries(value)) {
    const within: Complain = (what) => complain(`:encoding of ${JSON.stringify(property.slice(0, 80))}: ${what}`);
    if (!isJsonObject(given)) return within("it is no map.");
    const text = textIn(given, within);
    const style = text("style");
    if (style !== undefined && !(STYLES.query as readonly string[]).includes(style))
      within(`:style is none of ${STYLES.query.join(", ")}.`);
    encoding.set(property, {
      contentType: text("content_type"),
      style: style as ParameterStyle | undefined,
      explode: flag(given, "explode"),
      allowReserved: flag(given, "allow_reserved") ?? false,
      headers: readPartHeaders(getOwn<JsonValue>(given, "headers"), within),
    });
  }
  return encoding;
}

function readPartHeaders(value: JsonValue | undefined, complain: Complain): Record<string, string> {
  const headers = Object.create(null) as Record<string, string>;
  for (const [name, text] of isJsonObject(value) ? Object.entries(value) : []) {
    if (!HEADER_NAME.test(name) || typeof text !== "string" || !/^[\t\x20-\x7e]*$/.test(text))
      complain(":headers holds what is no header.");
    headers[name] = text as string;
  }
  return headers;
}

function textIn(object: JsonObject, complain: Complain): (key: string) => string | undefined {
  return (key) => {
    const value = getOwn<JsonValue>(object, key);
    if (value === undefined || value === null) return undefined;
    return typeof value === "string" && value !== "" ? value : complain(`:${key} is no text.`);
  };
}

/** Old files write booleans as texts. */
function flag(object: JsonObject, key: string): boolean | undefined {
  const value = getOwn<JsonValue>(object, key);
  return value === true || value === "true" ? true : value === false || value === "false" ? false : undefined;
}

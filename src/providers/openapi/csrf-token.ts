import type { HttpResponse } from "../../http/index.ts";
import { getOwn, parseJson, type JsonValue, valueAt } from "../../kernel/index.ts";
import type { CsrfPlan } from "./read-login.ts";

/** The token that an answer holds: in a header, in JSON, in a hidden field or in a `meta` of a page. */
export function readCsrfToken(
  plan: CsrfPlan,
  response: Pick<HttpResponse, "header">,
  text: string,
): string | undefined {
  switch (plan.from) {
    case "header":
      return response.header(plan.name.toLowerCase());
    case "field":
      return attributeOf(text, "input", plan.name, "value");
    case "meta":
      return attributeOf(text, "meta", plan.name, "content");
    default:
      return inJson(text, plan);
  }
}

function inJson(text: string, { bodyPath = [] }: CsrfPlan): string | undefined {
  let answer: JsonValue;
  try {
    answer = parseJson(text);
  } catch {
    return undefined;
  }
  const token = valueAt(answer, bodyPath);
  return typeof token === "string" ? token : undefined;
}

const ATTRIBUTE = /([a-z][\w:-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/gi;

const LONGEST_TAG = 4_000;

/** An attribute of the first tag with that name. The page is searched, not understood: all that is wanted is one text. */
function attributeOf(page: string, tag: string, name: string, wanted: string): string | undefined {
  const starts = new RegExp(`<${tag}\\b`, "gi");
  let end = 0;
  for (const { index } of page.matchAll(starts)) {
    // Each piece of the page is looked at once, however many tags begin in it and end nowhere.
    if (end <= index) end = page.indexOf(">", index);
    if (end < 0) return undefined;
    if (end - index > LONGEST_TAG) continue;
    const attributes = new Map<string, string>();
    for (const [, key = "", double, single, bare] of page.slice(index, end).matchAll(ATTRIBUTE)) {
      attributes.set(key.toLowerCase(), unescape(double ?? single ?? bare ?? ""));
    }
    if (attributes.get("name") === name) return attributes.get(wanted);
  }
  return undefined;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescape(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,4}));/gi,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return getOwn(ENTITIES, name.toLowerCase()) ?? whole;
      const code = decimal === undefined ? Number.parseInt(hex as string, 16) : Number(decimal);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}

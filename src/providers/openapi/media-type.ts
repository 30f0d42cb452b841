/** How a body of a media type is written and read. */
export type MediaKind = "json" | "json-lines" | "form" | "multipart" | "events" | "text" | "binary";

const JSON_LINES = /^application\/(?:x-)?(?:ndjson|jsonl|json-seq|json-lines|jsonlines)$/;
const TEXTS =
  /^(?:text\/.*|.*\+(?:xml|yaml)|application\/(?:xml|xhtml\+xml|javascript|ecmascript|yaml|x-yaml|toml|sql|graphql|x-sh|x-pem-file|pem-certificate-chain|csv|rtf|x-www-form-urlencoded))$/;

/** The type without its parameters, in lower case: `text/plain; charset=utf-8` is `text/plain`. */
export function essenceOf(mediaType: string): string {
  return (mediaType.split(";", 1)[0] as string).trim().toLowerCase();
}

/** A parameter of a media type, such as `charset`; without its quotes. */
export function parameterOf(mediaType: string, name: string): string | undefined {
  for (const part of mediaType.slice(0, 1_000).split(";").slice(1)) {
    const at = part.indexOf("=");
    if (at < 0 || part.slice(0, at).trim().toLowerCase() !== name) continue;
    return part
      .slice(at + 1)
      .trim()
      .replace(/^"(.*)"$/, "$1");
  }
  return undefined;
}

export function kindOf(mediaType: string): MediaKind {
  const essence = essenceOf(mediaType);
  if (JSON_LINES.test(essence)) return "json-lines";
  if (essence === "application/json" || essence.endsWith("+json") || essence === "text/json") return "json";
  if (essence === "application/x-www-form-urlencoded") return "form";
  if (essence.startsWith("multipart/")) return "multipart";
  if (essence === "text/event-stream") return "events";
  return TEXTS.test(essence) ? "text" : "binary";
}

/** Whether a declared type, which may be a range such as `image/*`, covers another. */
export function covers(declared: string, mediaType: string): boolean {
  const range = essenceOf(declared);
  const essence = essenceOf(mediaType);
  if (range === "*/*" || range === "*" || range === essence) return true;
  return range.endsWith("/*") && essence.startsWith(range.slice(0, -1));
}

/** Whether a text can stand in a header as a media type or range. */
export function isMediaType(text: string): boolean {
  return (
    text.length <= 300 &&
    /^[\w!#$&^.+*-]+\/[\w!#$&^.+*-]+(?:\s*;\s*[\w!#$&^.+*-]+=(?:[\w!#$&^.+*/:-]+|"[\x20-\x21\x23-\x7e]*"))*$/.test(
      text.trim(),
    )
  );
}

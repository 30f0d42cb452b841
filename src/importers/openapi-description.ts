import { getOwn, isJsonObject, oneLine, type JsonValue } from "../kernel/index.ts";
import { prose } from "./clean-text.ts";
import type { OpenApiDocument } from "./openapi-document.ts";
import type { FoundOperation } from "./openapi-operations.ts";

const MOST_NOTES = 60;
const LONGEST_NOTE = 200;
/** What is said of the input must have room beside the rest. */
const LONGEST_TEXT = 4_000;

/** The service's name for itself. */
export function serviceName({ root }: OpenApiDocument): string {
  const info = getOwn<JsonValue>(root, "info");
  const title = isJsonObject(info) ? getOwn<JsonValue>(info, "title") : undefined;
  return typeof title === "string" ? title : "";
}

/** What people and agents read of an operation: its summary, its description, and a line for each key of the input. */
export function describeOperation(
  { operation, name }: FoundOperation,
  notes: readonly (readonly [key: string, text: string])[],
): { readonly title: string; readonly description: string } {
  const text = (key: string): string => {
    const value = getOwn<JsonValue>(operation, key);
    return typeof value === "string" ? prose(value) : "";
  };
  const summary = oneLine(text("summary"), 200);
  const whole = text("description") || summary;
  const said = whole.length <= LONGEST_TEXT ? whole : `${whole.slice(0, LONGEST_TEXT - 1).toWellFormed()}…`;
  const lines = notes
    .slice(0, MOST_NOTES)
    .map(
      ([key, note]) => `${oneLine(key, 100)}: ${oneLine(note.slice(0, 4 * LONGEST_NOTE).toWellFormed(), LONGEST_NOTE)}`,
    );
  const parts = [operation["deprecated"] === true ? "Deprecated." : "", said, lines.join("\n")];
  return { title: summary || name, description: parts.filter((part) => part !== "").join("\n\n") };
}

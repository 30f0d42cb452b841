import { oneLine, stringifyJson, stripControls, type JsonValue } from "../kernel/index.ts";

const LONGEST_DESCRIPTION = 10_000;

/** A name from outside for people: one line. */
export function label(text: string): string {
  return oneLine(text.toWellFormed(), 200);
}

/** Text from outside for people, over several lines, without what would move a terminal's cursor. */
export function prose(text: string): string {
  // Cut before it is cleaned: a description may be as long as its file.
  const clean = stripControls(text.slice(0, 4 * LONGEST_DESCRIPTION).toWellFormed()).trim();
  return clean.length <= LONGEST_DESCRIPTION ? clean : `${clean.slice(0, LONGEST_DESCRIPTION - 1).toWellFormed()}…`;
}

// Outside of plain letters and the like: escaped, so that the file shows what it holds. JSON reads them back as they were.
const INVISIBLE = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** A schema from outside as JSON in which nothing is invisible. */
export function schemaText(schema: JsonValue): string {
  return stringifyJson(schema).replace(
    INVISIBLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

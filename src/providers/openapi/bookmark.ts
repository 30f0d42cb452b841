import { fail, getOwn, isJsonObject, parseJson, type JsonValue } from "../../kernel/index.ts";
import { isHeaderValue } from "../../http/index.ts";
import type { PagePlace } from "./pages.ts";

/** What the `cursor` of an event holds: a page, and how many of its items have been taken. */
export interface Bookmark {
  readonly place: PagePlace | undefined;
  readonly taken: number;
  readonly page: number;
  /** Of a stream of events: the id of the last one. */
  readonly event?: string | undefined;
}

export function writeBookmark({ place, taken, page, event }: Bookmark): string {
  return JSON.stringify({ ...place, taken, page, event }, (_key, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
}

/** What was given out as `cursor`; it comes from outside again, so it is data. */
export function readBookmark(text: string): Bookmark {
  const complain = (): never =>
    fail("invalid-argument", "The stream cannot be taken up again: this is no cursor of it.");
  let value: JsonValue;
  try {
    value = parseJson(text);
  } catch {
    return complain();
  }
  if (!isJsonObject(value)) return complain();
  const taken = getOwn<JsonValue>(value, "taken");
  const page = getOwn<JsonValue>(value, "page");
  const address = getOwn<JsonValue>(value, "address");
  const at = getOwn<JsonValue>(value, "value");
  const event = getOwn<JsonValue>(value, "event");
  if (event !== undefined && (typeof event !== "string" || !isHeaderValue(event))) return complain();
  if (!isCount(taken) || !isCount(page) || page < 1) return complain();
  if (address !== undefined) {
    // A path, which stays within the origin whatever it says.
    return typeof address === "string" && /^\/(?![/\\])/.test(address)
      ? { place: { address }, taken, page, event }
      : complain();
  }
  if (typeof at === "object") return complain();
  return { place: at === undefined ? undefined : { value: at }, taken, page, event };
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

import { getOwn, isJsonObject, type JsonObject, type JsonValue, parsePath, type JsonPath } from "../../kernel/index.ts";
import type { Pagination } from "./operation.ts";
import type { Complain } from "./read-operation.ts";

const DEFAULT_PAGES = 1_000;
const MOST_PAGES = 100_000;
const PARAMS = { cursor: "cursor_param", page: "page_param", offset: "offset_param" } as const;
const KINDS = ["link", "cursor", "next", "page", "offset", "none"] as const;

export function readPagination(value: JsonValue | undefined, complain: Complain): Pagination | undefined {
  if (value === undefined) return undefined;
  const given = typeof value === "string" ? { kind: value } : value;
  if (!isJsonObject(given)) return complain(":pagination is no map.");
  const kind = readKind(given, complain);
  const path = (key: string): JsonPath | undefined => {
    const text = getOwn<JsonValue>(given, key);
    if (text === undefined || text === null) return undefined;
    return (
      parsePath(text) ?? complain(`:${key} of :pagination is no path.`, 'Write it such as "meta.next" or "/meta/next".')
    );
  };
  const key = PARAMS[kind as keyof typeof PARAMS] as string | undefined;
  const param = key === undefined ? undefined : getOwn<JsonValue>(given, key);
  if (key !== undefined && (typeof param !== "string" || param === "")) complain(`:pagination names no :${key}.`);
  const place = getOwn<JsonValue>(given, "param_in") ?? "query";
  if (place !== "query" && place !== "body") return complain(':param_in of :pagination is neither "query" nor "body".');
  const cursorPath = path("cursor_path");
  const nextPath = path("next_path");
  if (kind === "cursor" && cursorPath === undefined) complain(":pagination names no :cursor_path.");
  if (kind === "next" && nextPath === undefined) complain(":pagination names no :next_path.");
  return {
    kind,
    param: param as string | undefined,
    paramIn: place,
    cursorPath,
    nextPath,
    morePath: path("more_path"),
    itemsPath: path("items_path"),
    firstPage: integer(given, "first_page", 1, 0, complain),
    maxPages: integer(given, "max_pages", DEFAULT_PAGES, 1, complain),
  };
}

function readKind(given: JsonObject, complain: Complain): Pagination["kind"] {
  const said = getOwn<JsonValue>(given, "kind");
  const kind = KINDS.find((known) => known === said);
  if (kind !== undefined) return kind;
  if (said !== undefined) return complain(`:kind of :pagination is none of ${KINDS.join(", ")}.`);
  if (Object.hasOwn(given, "cursor_param")) return "cursor";
  if (Object.hasOwn(given, "next_path")) return "next";
  if (Object.hasOwn(given, "page_param")) return "page";
  return Object.hasOwn(given, "offset_param") ? "offset" : "link";
}

function integer(given: JsonObject, key: string, byDefault: number, least: number, complain: Complain): number {
  const value = getOwn<JsonValue>(given, key);
  if (value === undefined || value === null) return byDefault;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least || value > MOST_PAGES) {
    return complain(`:${key} of :pagination is no integer from ${least} to ${MOST_PAGES}.`);
  }
  return value;
}

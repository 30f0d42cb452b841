import { getOwn, isJsonObject, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import type { Connection } from "./connect.ts";

/** What another process needs to go on with a session that was logged in. */
export interface SessionRecord {
  readonly cookies: JsonObject;
  readonly csrf: string | undefined;
  readonly token: string | undefined;
}

/** Undefined where there is nothing to go on with: the next process opens what it needs by itself. */
export function recordOf({ login }: Connection): JsonObject | undefined {
  if (login === undefined) return undefined;
  return { cookies: login.cookies.snapshot(), csrf: login.csrf ?? null, token: login.token ?? null };
}

/** Undefined where a snapshot is none. */
export function readRecord(snapshot: JsonObject): SessionRecord | undefined {
  const cookies = getOwn<JsonValue>(snapshot, "cookies");
  const csrf = getOwn<JsonValue>(snapshot, "csrf");
  const token = getOwn<JsonValue>(snapshot, "token");
  if (!isJsonObject(cookies) || !isTextOrNull(csrf) || !isTextOrNull(token)) return undefined;
  return { cookies, csrf: csrf ?? undefined, token: token ?? undefined };
}

function isTextOrNull(value: JsonValue | undefined): value is string | null {
  return value === null || typeof value === "string";
}

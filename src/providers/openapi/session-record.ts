import { getOwn, isJsonObject, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import type { Connection } from "./connect.ts";

/** What another process needs to go on with a session that was logged in. */
export interface SessionRecord {
  readonly cookies: JsonObject;
  readonly csrf: string | undefined;
  readonly token: string | undefined;
  readonly expiresAt: number | undefined;
}

/** Undefined where there is nothing to go on with: the next process opens what it needs by itself. */
export function recordOf({ login }: Connection): JsonObject | undefined {
  if (login === undefined) return undefined;
  const { cookies, csrf = null, token = null, expiresAt = null } = login;
  return { cookies: cookies.snapshot(), csrf, token, expires_at: expiresAt };
}

/** Undefined where a snapshot is none. */
export function readRecord(snapshot: JsonObject): SessionRecord | undefined {
  const cookies = getOwn<JsonValue>(snapshot, "cookies");
  const csrf = getOwn<JsonValue>(snapshot, "csrf");
  const token = getOwn<JsonValue>(snapshot, "token");
  const at = getOwn<JsonValue>(snapshot, "expires_at");
  if (at !== null && typeof at !== "number") return undefined;
  if (!isJsonObject(cookies) || !isTextOrNull(csrf) || !isTextOrNull(token)) return undefined;
  return { cookies, csrf: csrf ?? undefined, token: token ?? undefined, expiresAt: at ?? undefined };
}

function isTextOrNull(value: JsonValue | undefined): value is string | null {
  return value === null || typeof value === "string";
}

import { isJsonObject, type JsonObject } from "../../kernel/index.ts";

/** What another process needs to go on with a session. */
export type SessionRecord =
  | { readonly era: "modern"; readonly discover: JsonObject }
  | { readonly era: "legacy"; readonly sessionId: string | null; readonly initializeResult: JsonObject };

/** A record as it came out of a store; undefined where it is none. */
export function readRecord(value: unknown): SessionRecord | undefined {
  if (!isJsonObject(value)) return undefined;
  if (value["era"] === "modern" && isJsonObject(value["discover"]))
    return { era: "modern", discover: value["discover"] };
  const { sessionId, initializeResult } = value;
  if (value["era"] !== "legacy" || !isJsonObject(initializeResult)) return undefined;
  if (sessionId !== null && typeof sessionId !== "string") return undefined;
  return { era: "legacy", sessionId: sessionId ?? null, initializeResult };
}

import { getOwn, isJsonObject, parseJson, stringifyJson, type JsonObject, type JsonValue } from "../kernel/index.ts";

/** A session as it stands in a store: what people may know of it, and what a handler needs to go on with it. */
export interface SessionRecord {
  /** Our id of it, the same in every process. */
  readonly id: string;
  readonly provider: string;
  readonly endpoint: string;
  readonly identity: string;
  readonly scope: string;
  /** Instants on the wall clock, in milliseconds since the epoch. */
  readonly openedAt: number;
  readonly lastUsedAt: number;
  readonly expiresAt: number | null;
  /** Calls so far, as far as it was told. */
  readonly calls: number;
  readonly snapshot: JsonObject;
}

const FORMAT = 1;

export function encodeRecord(record: SessionRecord): Uint8Array {
  return new TextEncoder().encode(stringifyJson({ format: FORMAT, ...record }));
}

/** Undefined for what this version cannot read. */
export function decodeRecord(bytes: Uint8Array): SessionRecord | undefined {
  let value: JsonValue;
  try {
    value = parseJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
  if (!isJsonObject(value) || value["format"] !== FORMAT) return undefined;
  const text = (key: string): string | undefined => {
    const found = getOwn(value, key);
    return typeof found === "string" ? found : undefined;
  };
  const number = (key: string): number | undefined => {
    const found = getOwn(value, key);
    return typeof found === "number" && Number.isFinite(found) ? found : undefined;
  };
  const [id, provider, endpoint] = [text("id"), text("provider"), text("endpoint")];
  const [identity, scope] = [text("identity"), text("scope")];
  const [openedAt, lastUsedAt, calls] = [number("openedAt"), number("lastUsedAt"), number("calls")];
  const snapshot = getOwn(value, "snapshot");
  if (id === undefined || provider === undefined || endpoint === undefined || identity === undefined) return undefined;
  if (scope === undefined || openedAt === undefined || lastUsedAt === undefined || calls === undefined)
    return undefined;
  if (!isJsonObject(snapshot)) return undefined;
  const expiresAt = number("expiresAt") ?? null;
  return { id, provider, endpoint, identity, scope, openedAt, lastUsedAt, expiresAt, calls, snapshot };
}

import { fail, getOwn, isJsonObject, parseJson, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import type { SessionCapability } from "../../session/handler.ts";
import { leadsUp } from "./expand-path.ts";
import { isMediaType } from "./media-type.ts";
import type { Operation, ResponseDeclaration } from "./operation.ts";
import { readPagination } from "./read-pagination.ts";
import { readParameters, readRequestBody } from "./read-parameters.ts";
import { ALIASES, PROVIDER } from "./traits.ts";

/** Throws `invalid-argument` for a capability whose block is wrong. */
export type Complain = (what: string, remedy?: string) => never;

const METHOD = /^[A-Z][A-Z-]{0,30}$/;
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}$/;

/** The operation that a capability's block declares. Throws `invalid-argument` where it cannot be read. */
export function readOperation(capability: SessionCapability): Operation {
  const complain = complaintsOf(capability);
  const text = (key: string): string | undefined => setting(capability, key);
  const method = (text("method") || "GET").trim().toUpperCase();
  if (!METHOD.test(method) || method === "CONNECT") complain(":method is no method of HTTP.");
  const template = (text("path") ?? "/").trim();
  const path = template.startsWith("/") ? template : `/${template}`;
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007f#\\]/.test(path) || path.length > 4_000 || leadsUp(path))
    complain(":path is no template of a path.", 'Write it such as :path "/users/{id}".');
  const parameters = readParameters(part(capability, "parameters"), complain);
  const requestBody = readRequestBody(part(capability, "request_body"), complain);
  return {
    method,
    path,
    parameters,
    requestBody,
    query: readQuery(part(capability, "query"), complain),
    responses: readResponses(part(capability, "responses"), complain),
    accept: readAccept(capability, complain),
    acceptAs: text("accept_as") || undefined,
    result: readResult(text("result"), complain),
    pagination: readPagination(part(capability, "pagination"), complain),
    idempotencyKey: readIdempotencyKey(text("idempotency_key"), complain),
  };
}

/** A key of the block as text, under its own name or an older one. */
export function setting(capability: SessionCapability, key: string): string | undefined {
  const { metadata } = capability;
  const own = getOwn(metadata, `${PROVIDER}_${key}`);
  if (own !== undefined) return own;
  for (const alias of getOwn(ALIASES as Record<string, readonly string[]>, key) ?? []) {
    const value = getOwn(metadata, `${PROVIDER}_${alias}`);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** A key of the block as it is nested in the file; where the metadata were written flat, from their JSON text. */
export function part(capability: SessionCapability, key: string): JsonValue | undefined {
  const { block } = capability;
  const own = getOwn<JsonValue>(block, key) ?? getOwn<JsonValue>(block, key.replaceAll("_", "-"));
  if (own !== undefined && own !== null) return own;
  const flat = getOwn(capability.metadata, `${PROVIDER}_${key}`);
  if (flat === undefined) return undefined;
  try {
    return /^\s*[[{]/.test(flat) ? parseJson(flat) : flat;
  } catch {
    return flat;
  }
}

export function complaintsOf({ id }: SessionCapability): Complain {
  return (what, remedy) =>
    fail("invalid-argument", `The block :${PROVIDER} of ${JSON.stringify(id)} cannot be used: ${what}`, {
      remedy: remedy ?? "Correct it in the capability's file.",
    });
}

function readQuery(value: JsonValue | undefined, complain: Complain): JsonObject {
  if (value === undefined) return {};
  if (!isJsonObject(value)) return complain(":query is no map.", 'Write it such as :query {:units "metric"}.');
  if (Object.values(value).some(isJsonObject)) complain(":query holds texts, numbers, booleans and vectors of them.");
  return value;
}

function readResponses(value: JsonValue | undefined, complain: Complain): Map<string, ResponseDeclaration> {
  const responses = new Map<string, ResponseDeclaration>();
  if (value === undefined) return responses;
  if (!isJsonObject(value)) return complain(":responses is no map.");
  for (const [status, declared] of Object.entries(value)) {
    if (!/^(?:[1-5]\d\d|[1-5]XX|default)$/i.test(status))
      complain(
        `:responses has the key ${JSON.stringify(status.slice(0, 40))}, which is no status.`,
        'Use "200", "4XX" or "default".',
      );
    if (!isJsonObject(declared)) return complain(`:responses of ${status} is no map.`);
    const description = getOwn<JsonValue>(declared, "description");
    const content = getOwn<JsonValue>(declared, "content") ?? [];
    const types = isJsonObject(content) ? Object.keys(content) : content;
    if (!isTexts(types)) return complain(`:content of the response ${status} is no vector of media types.`);
    const key = status.toLowerCase() === "default" ? "default" : status.toUpperCase();
    responses.set(key, { description: typeof description === "string" ? description : undefined, content: types });
  }
  return responses;
}

function readAccept(capability: SessionCapability, complain: Complain): readonly string[] {
  const value = part(capability, "accept") ?? [];
  const types = typeof value === "string" ? value.split(",").map((type) => type.trim()) : value;
  if (!isTexts(types) || !types.every(isMediaType)) return complain(":accept is no media type, or vector of them.");
  return types;
}

function readResult(text: string | undefined, complain: Complain): Operation["result"] {
  if (text === undefined || text === "value" || text === "response") return text ?? "value";
  return complain(':result is neither "value" nor "response".');
}

function readIdempotencyKey(text: string | undefined, complain: Complain): string | undefined {
  if (text === undefined || text === "" || text === "false") return undefined;
  const name = text === "true" ? "Idempotency-Key" : text;
  if (!HEADER_NAME.test(name))
    complain(":idempotency_key is no name of a header.", "Write true, or the header's name.");
  return name.toLowerCase();
}

export function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

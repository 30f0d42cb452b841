import type { JsonValue } from "../../kernel/index.ts";
import type { SessionCall, SessionContext } from "../../session/handler.ts";
import type { Connection } from "./connect.ts";
import { readAnswer, wholeAnswer } from "./map-value.ts";
import { urlOfRequest, writeRequest } from "./request.ts";
import { sendRequest } from "./session-request.ts";
import type { RestSettings } from "./target.ts";

/** Runs one call: one request, and what its answer says. */
export async function execute(connection: Connection, call: SessionCall, context: SessionContext): Promise<JsonValue> {
  const settings = call.target.settings as RestSettings;
  const { operation, place } = settings;
  const request = writeRequest(operation, call.input, call.capability.id);
  const response = await sendRequest(connection, request, urlOfRequest(settings, request), call, context);
  const value = await readAnswer(response, request.method, {
    accepted: request.accepted,
    maxResponseBytes: place.maxResponseBytes,
    where: { phase: "execute", sent: true, target: call.target },
  });
  // What a HEAD is for stands in the headers.
  return operation.result === "response" || request.method === "HEAD" ? wholeAnswer(response, value) : value;
}

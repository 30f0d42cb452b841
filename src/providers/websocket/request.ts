import { CcosError, isJsonObject, setOwn, type JsonObject, type JsonValue, type JsonPath } from "../../kernel/index.ts";
import type { BlockReader } from "./block-reader.ts";
import { writePath } from "./path.ts";
import type { Scope, Template } from "./template.ts";
import type { Correlation } from "./wire.ts";

/** How an input becomes a message. */
export type Request =
  /** A method with parameters, which are the input unless a template says otherwise. */
  | {
      readonly kind: "method";
      readonly method: string;
      readonly params: Template | undefined;
      readonly methodPath: JsonPath;
      readonly paramsPath: JsonPath;
    }
  /** What a template makes of the input. */
  | { readonly kind: "message"; readonly template: Template }
  /** The input as it is. */
  | { readonly kind: "input" };

/** What `:method` and `:params`, or `:message`, say; undefined where none is there. `:method_path` and the like stand in the block itself. */
export function readRequest(reader: BlockReader, correlation: Correlation, block: BlockReader): Request | undefined {
  const method = reader.text("method");
  const template = reader.template("message");
  if (template !== undefined) {
    if (method !== undefined) reader.fail("message", "stands beside :method", "A message is made by one of them.");
    if (correlation.kind === "json-rpc") {
      reader.fail(
        "message",
        "stands where JSON-RPC makes the message",
        "Use :method and :params, or another :correlate.",
      );
    }
    return { kind: "message", template };
  }
  if (method === undefined) return undefined;
  const methodPath = block.path("method_path") ?? ["method"];
  const paramsPath = block.path("params_path") ?? ["params"];
  if (methodPath.length === 0) block.fail("method_path", "names no place");
  return { kind: "method", method, params: reader.template("params"), methodPath, paramsPath };
}

export type RequestId = number | string;

/** The message of a request, with its id where one is given. */
export function renderRequest(
  request: Request,
  correlation: Correlation,
  scope: Scope,
  id: RequestId | undefined,
  operation: string,
): JsonValue {
  const filled: Scope = id === undefined ? scope : { input: scope.input, values: { ...scope.values, $id: id } };
  if (request.kind === "method") return methodMessage(request, correlation, filled, id, operation);
  const message = request.kind === "input" ? filled.input : (request.template.render(filled) ?? null);
  if (correlation.kind !== "id" || id === undefined) return message;
  if (!isJsonObject(message)) {
    throw new CcosError("invalid-argument", `The message of ${operation} is no map, so there is no place for its id.`, {
      remedy: 'Make one with :message {"…" "{$input}"}, or call it with a map.',
    });
  }
  const copy: JsonObject = { ...message };
  writePath(copy, correlation.requestIdPath, id);
  return copy;
}

function methodMessage(
  request: Request & { readonly kind: "method" },
  correlation: Correlation,
  scope: Scope,
  id: RequestId | undefined,
  operation: string,
): JsonObject {
  const params = request.params === undefined ? scope.input : request.params.render(scope);
  const message: JsonObject = {};
  if (correlation.kind === "json-rpc") {
    message["jsonrpc"] = "2.0";
    if (id !== undefined) message["id"] = id;
    message["method"] = request.method;
    if (params === undefined || params === null) return message;
    if (typeof params !== "object") {
      throw new CcosError("invalid-argument", `${operation} takes a map or a vector of parameters.`, {
        remedy: 'Call it with one, or make one with :params ["{$input}"].',
      });
    }
    message["params"] = params;
    return message;
  }
  if (correlation.kind === "id" && id !== undefined) writePath(message, correlation.requestIdPath, id);
  writePath(message, request.methodPath, request.method);
  if (params === undefined || params === null) return message;
  if (request.paramsPath.length > 0) writePath(message, request.paramsPath, params);
  else if (isJsonObject(params)) for (const [key, value] of Object.entries(params)) setOwn(message, key, value);
  return message;
}

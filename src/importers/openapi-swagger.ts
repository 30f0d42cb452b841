import { getOwn, isJsonObject, oneLine, type JsonObject, type JsonValue } from "../kernel/index.ts";
import type { NotImported } from "./declaration.ts";
import { lookUp } from "./json-pointer.ts";

const METHODS: ReadonlySet<string> = new Set(["get", "put", "post", "delete", "options", "head", "patch"]);
const PLACES: ReadonlySet<string> = new Set(["path", "query", "header", "formData", "body"]);
const LONGEST_CHAIN = 50;

/**
 * Prepares a Swagger 2.0 description to be rewritten as OpenAPI 3: what a newer dialect expresses otherwise (parameters,
 * responses) is taken from its other files to where it is used, and operations that would end the rewriting are taken
 * out and listed. Changes the tree.
 */
export async function repairSwagger(
  root: JsonObject,
  broken: NotImported[],
  placeOf: (pointer: readonly string[]) => Promise<string>,
): Promise<void> {
  const paths = getOwn<JsonValue>(root, "paths");
  if (!isJsonObject(paths)) return;
  for (const key of ["definitions", "parameters", "responses", "securityDefinitions"]) {
    const part = getOwn<JsonValue>(root, key);
    if (part === undefined) continue;
    if (!isJsonObject(part)) delete root[key];
    else for (const [name, item] of Object.entries(part)) if (!isJsonObject(item)) delete part[name];
  }
  for (const key of ["consumes", "produces"]) if (!Array.isArray(root[key])) delete root[key];
  for (const [path, given] of Object.entries(paths)) {
    const item = inlined(root, given);
    if (!isJsonObject(item)) continue;
    paths[path] = item;
    const shared = complaintOf(root, item);
    for (const [method, operation] of Object.entries(item)) {
      if (!METHODS.has(method)) continue;
      const why = shared ?? complaintOf(root, operation);
      if (why === undefined) continue;
      const id = isJsonObject(operation) ? operation["operationId"] : undefined;
      broken.push({
        operation: oneLine(typeof id === "string" ? id : `${method.toUpperCase()} ${path}`, 200),
        place: await placeOf(["paths", path, method]),
        reason: why,
      });
      delete item[method];
    }
    if (shared !== undefined) delete item["parameters"];
  }
}

/** Takes parameters and responses of other files to where they are used; says what the rewriting could not read. */
function complaintOf(root: JsonObject, holder: JsonValue | undefined): string | undefined {
  if (!isJsonObject(holder)) return "It is no object.";
  const parameters = holder["parameters"];
  if (parameters !== undefined) {
    if (!Array.isArray(parameters)) return "Its parameters are no list.";
    for (const [index, given] of parameters.entries()) {
      const parameter = inlined(root, given);
      const target = isJsonObject(parameter) ? resolved(root, parameter) : undefined;
      if (!isJsonObject(target)) return `Its parameter ${index + 1} is no object, or its reference leads nowhere.`;
      const place = target["in"];
      if (typeof place !== "string" || !PLACES.has(place))
        return `Its parameter ${index + 1} does not say where it goes.`;
      if (typeof target["name"] !== "string") return `Its parameter ${index + 1} has no name.`;
      parameters[index] = parameter as JsonObject;
    }
  }
  const responses = holder["responses"];
  if (isJsonObject(responses)) {
    for (const [status, given] of Object.entries(responses)) {
      const response = inlined(root, given);
      if (isJsonObject(response)) responses[status] = response;
      else delete responses[status];
    }
  } else if (responses !== undefined) delete holder["responses"];
  for (const key of ["consumes", "produces"]) if (!Array.isArray(holder[key])) delete holder[key];
  return undefined;
}

/** A copy of what stands in another file; anything else as it is. */
function inlined(root: JsonObject, value: JsonValue): JsonValue | undefined {
  let at: JsonValue | undefined = value;
  for (let hop = 0; isJsonObject(at) && typeof at["$ref"] === "string"; hop++) {
    const reference: string = at["$ref"];
    if (reference.startsWith("#/") && !reference.startsWith("#/x-ccos-files/")) return at;
    if (hop >= LONGEST_CHAIN) return undefined;
    at = lookUp(root, reference);
  }
  return at === value ? value : structuredClone(at);
}

function resolved(root: JsonObject, value: JsonObject): JsonValue | undefined {
  let at: JsonValue | undefined = value;
  for (let hop = 0; isJsonObject(at) && typeof at["$ref"] === "string"; hop++) {
    if (hop >= LONGEST_CHAIN) return undefined;
    at = lookUp(root, at["$ref"]);
  }
  return at;
}

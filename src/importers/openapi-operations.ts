import { getOwn, isCcosError, isJsonObject, oneLine, type JsonObject, type JsonValue } from "../kernel/index.ts";
import type { NotImported } from "./declaration.ts";
import type { OpenApiDocument } from "./openapi-document.ts";

/** An operation as it stands in the description; nothing below it has been looked at. */
export interface FoundOperation {
  /** In capitals. */
  readonly method: string;
  readonly path: string;
  readonly operation: JsonObject;
  /** What all operations of the path have in common. */
  readonly item: JsonObject;
  readonly pointer: readonly string[];
  /** The service's own name for it, or its method and path. */
  readonly name: string;
  /** What follows the prefix of its id. */
  readonly idPart: string;
}

const METHODS: ReadonlySet<string> = new Set(["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"]);
const MOST_OPERATIONS = 50_000;

/** The operations of a description in its order. What is none, though it stands where operations stand, is told to `broken`. */
export function listOperations(
  document: OpenApiDocument,
  broken: (pointer: readonly string[], entry: Omit<NotImported, "place">) => void,
): FoundOperation[] {
  const found: FoundOperation[] = [];
  const paths = getOwn<JsonValue>(document.root, "paths");
  if (!isJsonObject(paths)) {
    if (paths !== undefined) broken(["paths"], { operation: "paths", reason: "It is no object." });
    return found;
  }
  for (const [path, given] of Object.entries(paths)) {
    if (path.startsWith("x-")) continue;
    const pointer = ["paths", path];
    const tell = (reason: string): void => broken(pointer, { operation: oneLine(path, 200) || "a path", reason });
    if (!path.startsWith("/")) {
      tell("A path begins with a slash.");
      continue;
    }
    const item = itemOf(document, given, tell);
    if (item === undefined) continue;
    for (const [key, operation] of Object.entries(item)) {
      const method = key.toUpperCase();
      const name = `${method} ${path}`;
      if (!METHODS.has(method)) {
        if (method === "QUERY" || method === "ADDITIONALOPERATIONS") {
          broken([...pointer, key], {
            operation: oneLine(name, 200),
            reason: "Only the methods of OpenAPI 3.1 are called.",
          });
        }
        continue;
      }
      if (found.length >= MOST_OPERATIONS) {
        tell(`There are more than ${MOST_OPERATIONS} operations.`);
        return found;
      }
      if (isJsonObject(operation))
        found.push(foundOperation({ method, path, operation, item, pointer: [...pointer, key] }));
      else broken([...pointer, key], { operation: oneLine(name, 200), reason: "It is no object." });
    }
  }
  return found;
}

function itemOf(document: OpenApiDocument, given: JsonValue, tell: (reason: string) => void): JsonObject | undefined {
  try {
    const item = document.resolve(given);
    if (!isJsonObject(item)) {
      tell("It is no object.");
      return undefined;
    }
    if (item === given || !isJsonObject(given)) return item;
    const { $ref: _, ...own } = given;
    return { ...item, ...own };
  } catch (error) {
    if (!isCcosError(error)) throw error;
    tell(error.message);
    return undefined;
  }
}

function foundOperation(
  found: Pick<FoundOperation, "method" | "path" | "operation" | "item" | "pointer">,
): FoundOperation {
  const { method, path, operation } = found;
  const own = getOwn<JsonValue>(operation, "operationId");
  if (typeof own === "string" && own.trim() !== "") return { ...found, name: own, idPart: own };
  const words = `${method.toLowerCase()}${path}`.replace(/[^A-Za-z0-9_]+/g, "-").replace(/-$/, "");
  return { ...found, name: `${method} ${path}`, idPart: words };
}

import { getOwn, isCcosError, isJsonObject, oneLine, type JsonObject, type JsonValue } from "../kernel/index.ts";
import type { OpenApiDocument } from "./openapi-document.ts";
import type { FoundOperation } from "./openapi-operations.ts";

const MOST_WAYS = 8;

/**
 * Keys of the block that say who is calling: `security` with the alternatives that the description declares, or
 * `auth_env_var` alone where it declares nothing.
 *
 * The variable is what a person named for the service. It belongs to the first alternative; where that asks for several
 * secrets at once, it is the first one's, and the others are looked for in `VARIABLE_2` and so on. Of a way that obtains
 * tokens, the variable holds a token: the rest of such a way is for a person to write.
 */
export function securityOf(
  document: OpenApiDocument,
  { operation }: FoundOperation,
  variable: string | undefined,
): JsonObject {
  const requirements = getOwn<JsonValue>(operation, "security") ?? getOwn<JsonValue>(document.root, "security");
  const undeclared: JsonObject = variable === undefined ? {} : { auth_env_var: variable };
  if (!Array.isArray(requirements)) return undeclared;
  const alternatives: JsonObject[][] = [];
  let isOptional = requirements.length === 0;
  for (const requirement of requirements.slice(0, MOST_WAYS)) {
    if (!isJsonObject(requirement)) continue;
    const ways = Object.keys(requirement).map((name) => wayOf(document, name));
    if (ways.length === 0) isOptional = true;
    else if (ways.every((way) => way !== undefined)) alternatives.push(ways);
  }
  const [first] = alternatives;
  if (first === undefined) return isOptional ? {} : undeclared;
  if (variable !== undefined) {
    first.forEach((way, index) => (way["env_var"] = index === 0 ? variable : `${variable}_${index + 1}`));
  }
  // To call without credentials comes last: it is what is left when no variable is set.
  return { security: isOptional ? [...alternatives, []] : alternatives };
}

/** A scheme in the words of `:auth`. Undefined where no secret in a variable can serve it. */
function wayOf(document: OpenApiDocument, name: string): JsonObject | undefined {
  const components = getOwn<JsonValue>(document.root, "components");
  const schemes = isJsonObject(components) ? getOwn<JsonValue>(components, "securitySchemes") : undefined;
  let scheme: JsonValue | undefined;
  try {
    scheme = isJsonObject(schemes) ? document.resolve(getOwn<JsonValue>(schemes, name)) : undefined;
  } catch (error) {
    if (!isCcosError(error)) throw error;
  }
  if (!isJsonObject(scheme)) return undefined;
  const own = { scheme: oneLine(name.toWellFormed(), 100) };
  switch (scheme["type"]) {
    case "apiKey": {
      const { in: location, name: parameter } = scheme;
      const isPlace = location === "header" || location === "query" || location === "cookie";
      const isName = typeof parameter === "string" && /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}$/.test(parameter);
      return isPlace && isName ? { type: "api-key", in: location, name: parameter, ...own } : undefined;
    }
    case "http": {
      const { scheme: said } = scheme;
      const kind = typeof said === "string" ? said.toLowerCase() : "";
      return kind === "bearer" || kind === "basic" ? { type: kind, ...own } : undefined;
    }
    // Whoever has a token of these sends it as a bearer token, however it was obtained.
    case "oauth2":
    case "openIdConnect":
      return { type: "bearer", ...own };
    default:
      return undefined;
  }
}

import { getOwn, oneLine, setOwn, type JsonObject, type JsonValue } from "../kernel/index.ts";
import type { Declaration } from "./declaration.ts";
import { inputOf, textOf } from "./mcp-prompt.ts";

/** Says of a resource what its server says. */
export function declareResource(uri: string, resource: JsonObject, connection: JsonObject): Declaration {
  return {
    title: textOf(resource, "title"),
    description: described(resource),
    metadata: { mcp: { ...connection, resource: uri.toWellFormed(), requires_session: "auto" } },
  };
}

/** The same of resources whose addresses have places for the input. */
export function declareTemplate(template: string, resource: JsonObject, connection: JsonObject): Declaration {
  const properties: JsonObject = {};
  const required: JsonValue[] = [];
  for (const { name, isOptional, isList } of variablesOf(template)) {
    setOwn(properties, name, isList ? { type: "array", items: { type: "string" } } : { type: "string" });
    if (!isOptional) required.push(name);
  }
  return {
    title: textOf(resource, "title"),
    description: described(resource),
    inputSchema: inputOf(properties, required),
    metadata: { mcp: { ...connection, resource_template: template.toWellFormed(), requires_session: "auto" } },
  };
}

function described(resource: JsonObject): string {
  const type = textOf(resource, "mimeType");
  const size = getOwn(resource, "size");
  const facts = [
    ...(type === undefined ? [] : [oneLine(type, 100)]),
    ...(typeof size === "number" && size >= 0 ? [`${size} bytes`] : []),
  ];
  const text = textOf(resource, "description") ?? "";
  if (facts.length === 0) return text;
  return text === "" ? `${facts.join(", ")}.` : `${text} (${facts.join(", ")})`;
}

interface Variable {
  readonly name: string;
  /** Its place may stay empty: what it names is asked for by a query, or matrix parameters. */
  readonly isOptional: boolean;
  readonly isList: boolean;
}

const MOST_VARIABLES = 100;

/** The variables of an address: RFC 6570, section 2. */
export function variablesOf(template: string): Variable[] {
  const found = new Map<string, Variable>();
  for (const [, operator = "", list = ""] of template.matchAll(/\{([+#./;?&]?)([^{}]+)\}/g)) {
    for (const spec of list.split(",")) {
      const [, name = "", modifier = ""] = /^([^:*]+)(\*|:\d{1,4})?$/.exec(spec.trim()) ?? [];
      if (name === "" || found.size >= MOST_VARIABLES) continue;
      const isOptional = (found.get(name)?.isOptional ?? true) && /[?&;#]/.test(operator);
      found.set(name, { name, isOptional, isList: modifier === "*" });
    }
  }
  return [...found.values()];
}

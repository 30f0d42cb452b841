import { parseConstValue, type IntrospectionQuery } from "graphql";
import { getOwn, isJsonObject, oneLine, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import { WireError } from "./wire-error.ts";

/** A part of a schema that cannot be used, and why. */
export interface LeftOut {
  /** `Type.field` or `Type.field(argument)`; one line. */
  readonly name: string;
  /** The place in its text; undefined where there is none. */
  readonly place?: string | undefined;
  readonly reason: string;
}

const NAME = /^[_A-Za-z][_0-9A-Za-z]*$/;
const KINDS: ReadonlySet<JsonValue | undefined> = new Set([
  "SCALAR",
  "OBJECT",
  "INTERFACE",
  "UNION",
  "ENUM",
  "INPUT_OBJECT",
]);
const INPUT: ReadonlySet<string | undefined> = new Set(["SCALAR", "ENUM", "INPUT_OBJECT"]);
const OUTPUT: ReadonlySet<string | undefined> = new Set(["SCALAR", "ENUM", "OBJECT", "INTERFACE", "UNION"]);
const DEEPEST_WRAPPING = 16;
/** Thirty times those of the largest schemas there are. */
const MOST_TYPES = 50_000;

/**
 * What a server says of its schema, without the parts that the library would refuse all of it for: names that GraphQL
 * does not allow, types that nobody defines, defaults that cannot be read.
 */
export function cleanIntrospection(value: JsonValue): {
  readonly introspection: IntrospectionQuery;
  readonly leftOut: readonly LeftOut[];
} {
  const envelope = isJsonObject(value) && isJsonObject(value["data"]) ? value["data"] : value;
  const schema = isJsonObject(envelope) ? getOwn(envelope, "__schema") : undefined;
  if (!isJsonObject(schema) || !Array.isArray(schema["types"])) {
    throw new WireError({ kind: "broken", text: "The answer describes no schema." });
  }
  if (schema["types"].length > MOST_TYPES) {
    throw new WireError({ kind: "broken", text: `The schema has more than ${MOST_TYPES} types.` });
  }
  const cleaning = new Cleaning(schema["types"]);
  const types = cleaning.types();
  const root = (key: string): JsonObject | null => {
    const named = getOwn(schema, key);
    const name = isJsonObject(named) ? named["name"] : undefined;
    return typeof name === "string" && cleaning.kindOf(name) === "OBJECT" ? { name } : null;
  };
  const queryType = root("queryType");
  if (queryType === null)
    throw new WireError({ kind: "broken", text: "The schema that the answer describes has no queries." });
  const introspection = {
    __schema: {
      description: getOwn(schema, "description") ?? null,
      queryType,
      mutationType: root("mutationType"),
      subscriptionType: root("subscriptionType"),
      types,
      directives: [],
    },
  };
  return { introspection: introspection as unknown as IntrospectionQuery, leftOut: cleaning.leftOut };
}

type NamedItem = JsonObject & { readonly name: string };

class Cleaning {
  readonly leftOut: LeftOut[] = [];
  readonly #types = new Map<string, JsonObject>();

  constructor(types: readonly JsonValue[]) {
    for (const type of types) {
      const name = isJsonObject(type) ? type["name"] : undefined;
      if (!isJsonObject(type) || typeof name !== "string" || !NAME.test(name)) {
        this.#leave(nameIn(type), "It has no name that GraphQL allows.");
      } else if (!KINDS.has(type["kind"])) this.#leave(name, "It is of an unknown kind.");
      else if (this.#types.has(name)) this.#leave(name, "It is defined twice.");
      else this.#types.set(name, type);
    }
  }

  kindOf(name: string): string | undefined {
    return this.#types.get(name)?.["kind"] as string | undefined;
  }

  types(): JsonObject[] {
    return [...this.#types].map(([name, type]) => ({
      ...type,
      fields: this.#fields(name, type["fields"]),
      inputFields: this.#arguments(name, type["inputFields"])?.kept ?? null,
      enumValues: this.#enumValues(name, type["enumValues"]),
      interfaces: this.#references(type["interfaces"], "INTERFACE"),
      possibleTypes: this.#references(type["possibleTypes"], "OBJECT"),
    }));
  }

  #fields(type: string, fields: JsonValue | undefined): JsonObject[] | null {
    if (!Array.isArray(fields)) return null;
    const kept: JsonObject[] = [];
    for (const field of this.#named(type, fields)) {
      const name = `${type}.${field.name}`;
      const problem = this.#problemOf(field["type"], OUTPUT);
      const args = this.#arguments(name, field["args"] ?? []);
      if (problem !== undefined) this.#leave(name, problem);
      else if (args === undefined || args.lacks) this.#leave(name, "An argument that it needs cannot be used.");
      else kept.push({ ...field, args: args.kept });
    }
    return kept;
  }

  /** `lacks`: one that has to be given is not among those that are kept. */
  #arguments(owner: string, args: JsonValue | undefined): { kept: JsonObject[]; lacks: boolean } | undefined {
    if (!Array.isArray(args)) return undefined;
    const kept: JsonObject[] = [];
    let lacks = false;
    for (const arg of this.#named(owner, args)) {
      const problem = this.#problemOf(arg["type"], INPUT);
      const isNeeded = isJsonObject(arg["type"]) && arg["type"]["kind"] === "NON_NULL" && arg["defaultValue"] == null;
      if (problem === undefined) kept.push({ ...arg, defaultValue: readableDefault(arg["defaultValue"]) });
      else {
        this.#leave(`${owner}(${arg.name})`, problem);
        lacks ||= isNeeded;
      }
    }
    return { kept, lacks: lacks || args.some((arg) => !isJsonObject(arg) || !hasName(arg)) };
  }

  #enumValues(type: string, values: JsonValue | undefined): JsonObject[] | null {
    if (!Array.isArray(values)) return null;
    const isWord = ({ name }: JsonObject): boolean => name === "true" || name === "false" || name === "null";
    return this.#named(type, values).filter((value) => !isWord(value));
  }

  /** Those with a name that GraphQL allows, each name once. */
  #named(owner: string, items: readonly JsonValue[]): NamedItem[] {
    const kept = new Map<string, NamedItem>();
    for (const item of items) {
      if (!isJsonObject(item) || !hasName(item))
        this.#leave(`${owner}.${nameIn(item)}`, "It has no name that GraphQL allows.");
      else if (kept.has(item.name)) this.#leave(`${owner}.${item.name}`, "It is defined twice.");
      else kept.set(item.name, item);
    }
    return [...kept.values()];
  }

  #references(items: JsonValue | undefined, kind: string): JsonObject[] {
    if (!Array.isArray(items)) return [];
    return items.filter(
      (item): item is JsonObject => isJsonObject(item) && hasName(item) && this.kindOf(item.name) === kind,
    );
  }

  /** What is wrong with a reference to a type; undefined for nothing. */
  #problemOf(reference: JsonValue | undefined, kinds: ReadonlySet<string | undefined>): string | undefined {
    let at = reference;
    for (let depth = 0; depth < DEEPEST_WRAPPING; depth++) {
      if (!isJsonObject(at)) return "Its type is missing, or nests too deep.";
      const { kind, ofType, name } = at;
      if (kind === "NON_NULL" || kind === "LIST") {
        if (kind === "NON_NULL" && isJsonObject(ofType) && ofType["kind"] === "NON_NULL")
          return "Its type makes no sense.";
        at = ofType;
        continue;
      }
      if (typeof name !== "string" || !this.#types.has(name)) return `Its type ${nameIn(at)} is not defined.`;
      return kinds.has(this.kindOf(name)) ? undefined : `Its type ${name} is of the wrong kind.`;
    }
    return "Its type nests too deep.";
  }

  #leave(name: string, reason: string): void {
    this.leftOut.push({ name, reason });
  }
}

function hasName(item: JsonObject): item is NamedItem {
  return typeof item["name"] === "string" && NAME.test(item["name"]);
}

function nameIn(item: JsonValue | undefined): string {
  const name = isJsonObject(item) ? item["name"] : undefined;
  return typeof name === "string" ? oneLine(name, 100) : "(without a name)";
}

function readableDefault(text: JsonValue | undefined): string | null {
  if (typeof text !== "string") return null;
  try {
    parseConstValue(text);
    return text;
  } catch {
    return null;
  }
}

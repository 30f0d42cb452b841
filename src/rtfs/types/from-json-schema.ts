import { getOwn, isJsonObject, type JsonObject, type JsonValue } from "../../kernel/index.ts";
import { Float, integer, INTEGER_MAX, INTEGER_MIN, keyword, RtfsMap, vector, type MapKey } from "../values.ts";
import { isKeywordName } from "../reader/characters.ts";
import { compilePattern } from "./pattern.ts";
import { numberPredicates, sizePredicates } from "./schema-predicates.ts";
import {
  ANY,
  optionalType,
  primitive,
  type Literal,
  type Predicate,
  type RecordEntry,
  type RecordKey,
  type Type,
} from "./type.ts";

/** How a schema is read, beyond what it says itself. */
export interface SchemaReading {
  /** What `#/…` refers to: the document the schema stands in. Default: the schema. */
  readonly root?: JsonValue | undefined;
  /** Most schemas that go into the type, references unfolded. Default 5000. */
  readonly mostNodes?: number | undefined;
  /**
   * Who gives the value: for a `request`, what is `readOnly` need not be there; for a `response`, what is `writeOnly`.
   * Default: both are properties like any other.
   */
  readonly direction?: "request" | "response" | undefined;
}

type Warn = (message: string) => void;

/**
 * The type of a JSON Schema of any draft. Where a schema says what a type cannot, the type says less:
 * it never refuses what the schema accepts of a value of the kind described. What is too deep, too large
 * or refers to itself reads as `:any`. `warn` hears of patterns that cannot be checked.
 */
export function jsonSchemaToType(schema: JsonValue, warn: Warn = () => {}, reading: SchemaReading = {}): Type {
  return new Conversion(schema, warn, reading, DEEPEST).type(schema, 0);
}

/**
 * The same with a type that stays within `mostNodes` by being less deep, rather than by leaving out what comes last: the
 * outermost levels are told in full as long as there is room for them.
 */
export function jsonSchemaToShallowType(schema: JsonValue, warn: Warn, reading: SchemaReading): Type {
  let type = ANY;
  for (let deepest = DEEPEST; deepest > 0; deepest = deepest > 8 ? deepest - 8 : deepest - 1) {
    const warnings: string[] = [];
    const conversion = new Conversion(schema, (message) => warnings.push(message), reading, deepest);
    type = conversion.type(schema, 0);
    if (conversion.isWhole || deepest === 1) {
      warnings.forEach(warn);
      break;
    }
  }
  return type;
}

const DEEPEST = 24;
// References let a short schema describe an exponentially large one.
const MOST_NODES = 5_000;
const MOST_ENUM_VALUES = 1_000;

class Conversion {
  private readonly root: JsonValue;
  private readonly warn: Warn;
  private readonly reading: SchemaReading;
  private readonly deepest: number;
  private readonly mostNodes: number;
  private readonly open = new Set<string>();
  private nodes = 0;

  constructor(schema: JsonValue, warn: Warn, reading: SchemaReading, deepest: number) {
    this.root = reading.root ?? schema;
    this.warn = warn;
    this.reading = reading;
    this.deepest = deepest;
    this.mostNodes = reading.mostNodes ?? MOST_NODES;
  }

  /** Nothing was left out because there was too much of it. */
  get isWhole(): boolean {
    return this.nodes <= this.mostNodes;
  }

  type(schema: JsonValue | undefined, depth: number): Type {
    if (schema === false) return primitive("never");
    if (!isJsonObject(schema) || depth > this.deepest || ++this.nodes > this.mostNodes) return ANY;
    const parts: Type[] = [];
    const reference = getOwn(schema, "$ref");
    if (typeof reference === "string") parts.push(this.referenced(reference, depth));
    parts.push(this.described(schema, depth));
    const allOf = getOwn(schema, "allOf");
    if (Array.isArray(allOf)) parts.push(...allOf.slice(0, 100).map((part) => this.type(part, depth + 1)));
    for (const word of ["anyOf", "oneOf"]) {
      const alternatives = getOwn(schema, word);
      if (Array.isArray(alternatives) && alternatives.length > 0) parts.push(this.union(alternatives, depth));
    }
    const type = both(parts);
    return getOwn(schema, "nullable") === true ? orNil(type) : type;
  }

  private referenced(reference: string, depth: number): Type {
    if (this.open.has(reference)) return ANY;
    const target = this.resolve(reference);
    if (target === undefined) return ANY;
    this.open.add(reference);
    try {
      return this.type(target, depth + 1);
    } finally {
      this.open.delete(reference);
    }
  }

  /** Only within the schema itself: nothing is ever fetched. */
  private resolve(reference: string): JsonValue | undefined {
    if (reference === "#") return this.root;
    if (!reference.startsWith("#/")) return undefined;
    let at: JsonValue | undefined = this.root;
    for (const part of reference.slice(2).split("/")) {
      let name = part;
      try {
        name = decodeURIComponent(part);
      } catch {
        // A stray percent sign stands for itself.
      }
      name = name.replaceAll("~1", "/").replaceAll("~0", "~");
      if (Array.isArray(at)) at = at[Number(name)];
      else at = isJsonObject(at) ? getOwn(at, name) : undefined;
    }
    return at;
  }

  private union(schemas: readonly JsonValue[], depth: number): Type {
    const types = schemas.slice(0, 100).map((each) => this.type(each, depth + 1));
    if (schemas.length > 100 || types.some((type) => type === ANY)) return ANY;
    return unionOf(types);
  }

  /** What the schema says itself, without its combinations. */
  private described(schema: JsonObject, depth: number): Type {
    const values = getOwn(schema, "enum");
    if (Array.isArray(values)) {
      if (values.length === 0) return primitive("never");
      if (values.length > MOST_ENUM_VALUES || values.some((value) => isDeep(value, DEEPEST))) return ANY;
      return { kind: "enum", values: values.map(literal) };
    }
    const constant = getOwn(schema, "const");
    if (constant !== undefined) return isDeep(constant, DEEPEST) ? ANY : { kind: "literal", value: literal(constant) };
    const names = getOwn(schema, "type");
    if (Array.isArray(names)) {
      const types = names.slice(0, 10).map((name) => this.named(name, schema, depth));
      return types.length === 0 || types.some((type) => type === ANY) ? ANY : unionOf(types);
    }
    if (names !== undefined) return this.named(names, schema, depth);
    // Schemas written by hand often leave out the type of an object.
    if (isJsonObject(getOwn(schema, "properties")) || Array.isArray(getOwn(schema, "required"))) {
      return this.object(schema, depth);
    }
    return ANY;
  }

  private named(name: JsonValue, schema: JsonObject, depth: number): Type {
    switch (name) {
      case "string":
        return refined(primitive("string"), this.stringPredicates(schema));
      case "integer":
        return refined(primitive("int"), numberPredicates(schema));
      case "number":
        return refined(primitive("float"), numberPredicates(schema));
      case "boolean":
        return primitive("bool");
      case "null":
        return primitive("nil");
      case "array":
        return this.array(schema, depth);
      case "object":
        return refined(this.object(schema, depth), sizePredicates(schema, "Properties", "count"));
      default:
        return ANY;
    }
  }

  private array(schema: JsonObject, depth: number): Type {
    const items = getOwn(schema, "items");
    const prefix = getOwn(schema, "prefixItems") ?? (Array.isArray(items) ? items : undefined);
    if (Array.isArray(prefix)) {
      const size = prefix.length;
      // A prefix alone neither asks for all of its items nor forbids more.
      const exact = getOwn(schema, "minItems") === size && getOwn(schema, "maxItems") === size && size <= 100;
      if (exact) return { kind: "tuple", items: prefix.map((item) => this.type(item, depth + 1)) };
      return { kind: "sequence", item: ANY, length: undefined };
    }
    const item = this.type(items, depth + 1);
    return refined({ kind: "sequence", item, length: undefined }, sizePredicates(schema, "Items", "count"));
  }

  private object(schema: JsonObject, depth: number): Type {
    // The names of properties of which nothing else can be told are not worth their room.
    if (depth >= this.deepest) return primitive("map");
    const properties = getOwn(schema, "properties");
    const requiredNames = getOwn(schema, "required");
    const required = new Set(
      Array.isArray(requiredNames) ? requiredNames.filter((name) => typeof name === "string") : [],
    );
    const additional = getOwn(schema, "additionalProperties");
    const others = isJsonObject(additional) ? this.type(additional, depth + 1) : undefined;
    const entries: RecordEntry[] = [];
    for (const [name, each] of Object.entries(isJsonObject(properties) ? properties : {})) {
      const type = this.type(each, depth + 1);
      const optional = !required.delete(name) || this.isOneSided(each);
      entries.push({ key: recordKey(name), type: optional ? type : notOptional(type), optional });
    }
    for (const name of required) entries.push({ key: recordKey(name), type: ANY, optional: false });
    if (entries.length === 0) {
      if (others === undefined) return primitive("map");
      return { kind: "map-of", key: primitive("string"), value: others };
    }
    // An optional type makes its key optional, so the two agree on what stays required.
    return { kind: "record", entries: entries.map(agreeing), rest: others };
  }

  /** Whether a property is not there in this direction, even where it is required. */
  private isOneSided(schema: JsonValue): boolean {
    const { direction } = this.reading;
    if (direction === undefined || !isJsonObject(schema)) return false;
    return getOwn(schema, direction === "request" ? "readOnly" : "writeOnly") === true;
  }

  private stringPredicates(schema: JsonObject): Predicate[] {
    const predicates = sizePredicates(schema, "Length", "length");
    const pattern = getOwn(schema, "pattern");
    if (typeof pattern === "string") {
      if (compilePattern(pattern) !== undefined) predicates.push({ name: "matches-regex", pattern });
      else
        this.warn(
          `The pattern ${JSON.stringify(pattern.slice(0, 100))} of a schema cannot be checked and is left out.`,
        );
    }
    return predicates;
  }
}

/** A required key that may be null: a union, because an optional type would make the key optional. */
function notOptional(type: Type): Type {
  return type.kind === "optional" ? { kind: "union", types: [type.type, primitive("nil")] } : type;
}

function agreeing(entry: RecordEntry): RecordEntry {
  return entry.type.kind === "optional" ? { ...entry, optional: true } : entry;
}

function orNil(type: Type): Type {
  return type === ANY ? ANY : optionalType(type);
}

function isNil(type: Type): boolean {
  return type.kind === "primitive" && type.name === "nil";
}

function unionOf(types: readonly Type[]): Type {
  const rest = types.filter((type) => !isNil(type));
  if (rest.length === 0) return primitive("nil");
  const [first] = rest;
  const type: Type = rest.length === 1 ? (first as Type) : { kind: "union", types: rest };
  return rest.length < types.length ? orNil(type) : type;
}

function refined(type: Type, predicates: readonly Predicate[]): Type {
  return predicates.length === 0 ? type : { kind: "and", types: [type], predicates };
}

/** All of the types: records become one record, so that it still says which keys there are. */
function both(parts: readonly Type[]): Type {
  const told = parts.filter((part) => part !== ANY);
  const records = told.filter((part) => part.kind === "record");
  if (records.length > 1) {
    const rest = told.filter((part) => part.kind !== "record");
    return both([mergeRecords(records), ...rest]);
  }
  const [first] = told;
  if (first === undefined) return ANY;
  return told.length === 1 ? first : { kind: "and", types: told, predicates: [] };
}

function mergeRecords(records: readonly (Type & { readonly kind: "record" })[]): Type {
  const entries = new Map<RecordKey, RecordEntry>();
  for (const entry of records.flatMap((record) => record.entries)) {
    const known = entries.get(entry.key);
    if (known === undefined) entries.set(entry.key, entry);
    else {
      const optional = known.optional && entry.optional;
      const type = both([known.type, entry.type]);
      entries.set(entry.key, { key: entry.key, type: optional ? type : notOptional(type), optional });
    }
  }
  return { kind: "record", entries: [...entries.values()], rest: undefined };
}

function recordKey(name: string): RecordKey {
  // `[:* T]` would stand for the other keys.
  return isKeywordName(name) && name !== "*" ? keyword(name) : name;
}

function isDeep(value: JsonValue, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((item: JsonValue) => isDeep(item, levels - 1));
}

function literal(value: JsonValue): Literal {
  if (typeof value === "number") return Number.isSafeInteger(value) && !Object.is(value, -0) ? value : new Float(value);
  if (typeof value === "bigint") {
    return value >= INTEGER_MIN && value <= INTEGER_MAX ? integer(value) : new Float(Number(value));
  }
  if (Array.isArray(value)) return vector(value.map(literal));
  if (isJsonObject(value)) {
    return new RtfsMap(new Map<MapKey, Literal>(Object.entries(value).map(([key, item]) => [key, literal(item)])));
  }
  return value;
}

import {
  buildASTSchema,
  GraphQLError,
  Kind,
  parse,
  specifiedScalarTypes,
  type DefinitionNode,
  type DocumentNode,
  type FieldDefinitionNode,
  type InputValueDefinitionNode,
  type NamedTypeNode,
  type TypeDefinitionNode,
  type TypeExtensionNode,
  type TypeNode,
} from "graphql";
import { fail, oneLine, parseJson, type JsonValue } from "../../kernel/index.ts";
import type { LeftOut } from "./clean-introspection.ts";
import { schemaOf, type SchemaFound } from "./introspect.ts";

/** Tokens of a schema in its own language: ten times those of GitHub's. */
const MOST_TOKENS = 5_000_000;

/**
 * Reads a schema from a text: the schema definition language, or the JSON of an introspection.
 * Throws `invalid-argument` that names the place; parts that are not sound are left out and listed.
 *
 * @param shown the file for people
 */
export function readSchemaText(text: string, shown: string): SchemaFound {
  return /^\s*\{\s*"/.test(text) ? fromJson(text, shown) : fromLanguage(text, shown);
}

function fromJson(text: string, shown: string): SchemaFound {
  let value: JsonValue;
  try {
    value = parseJson(text);
  } catch (error) {
    return fail("invalid-argument", `${shown} is no JSON: ${oneLine((error as Error).message, 200)}.`);
  }
  try {
    return schemaOf(value);
  } catch (error) {
    return fail("invalid-argument", `${shown} holds no schema.`, {
      remedy: "Give the answer to an introspection query, or a schema in the schema definition language.",
      cause: error,
    });
  }
}

function fromLanguage(text: string, shown: string): SchemaFound {
  let document: DocumentNode;
  try {
    document = parse(text, { maxTokens: MOST_TOKENS });
  } catch (error) {
    const [at] = error instanceof GraphQLError ? (error.locations ?? []) : [];
    const message = error instanceof Error ? oneLine(error.message, 200) : "";
    return fail(
      "invalid-argument",
      `${shown}${at === undefined ? "" : `:${at.line}:${at.column}`} cannot be read: ${message}`,
      {
        remedy: "Give a schema in the schema definition language, or the JSON of an introspection.",
        place: at && { file: shown, line: at.line, column: at.column },
      },
    );
  }
  const cleaning = new Cleaning(document, shown);
  const definitions = cleaning.definitions();
  try {
    // Real schemas break rules that were made after them, and nobody here executes anything by them.
    const schema = buildASTSchema({ ...document, definitions }, { assumeValid: true, assumeValidSDL: true });
    if (schema.getQueryType() == null) fail("invalid-argument", `The schema of ${shown} has no queries.`);
    return { schema, leftOut: cleaning.leftOut };
  } catch (error) {
    if (!(error instanceof Error) || error.name === "CcosError") throw error;
    return fail("invalid-argument", `The schema of ${shown} cannot be used: ${oneLine(error.message, 300)}`, {
      cause: error,
    });
  }
}

/** Leaves out what refers to types that nobody defines: the library would refuse all of the schema for it. */
class Cleaning {
  readonly leftOut: LeftOut[] = [];
  readonly #document: DocumentNode;
  readonly #shown: string;
  readonly #kinds = new Map<string, "input" | "output" | "both">();

  constructor(document: DocumentNode, shown: string) {
    this.#document = document;
    this.#shown = shown;
    for (const { name } of specifiedScalarTypes) this.#kinds.set(name, "both");
    for (const definition of document.definitions) {
      if (isTypeDefinition(definition)) this.#kinds.set(definition.name.value, useOf(definition.kind));
      // Parts of a larger schema extend types that they do not define.
      else if (isTypeExtension(definition) && !this.#kinds.has(definition.name.value))
        this.#kinds.set(definition.name.value, useOf(definition.kind));
    }
  }

  definitions(): DefinitionNode[] {
    const defined = new Set(this.#document.definitions.filter(isTypeDefinition).map(({ name }) => name.value));
    return this.#document.definitions.flatMap((definition): DefinitionNode[] => {
      if (definition.kind === Kind.SCHEMA_DEFINITION || definition.kind === Kind.SCHEMA_EXTENSION) {
        const operationTypes = definition.operationTypes?.filter(({ type }) => this.#isKnown(type, "output", "schema"));
        return [{ ...definition, operationTypes: operationTypes ?? [] } as DefinitionNode];
      }
      // No directive is of any use here, and each may refer to anything.
      if (!isTypeDefinition(definition) && !isTypeExtension(definition)) return [];
      const clean = this.#clean(definition);
      const name = definition.name.value;
      if (!isTypeExtension(clean) || defined.has(name)) return [clean];
      defined.add(name);
      return [{ ...clean, kind: clean.kind.replace("Extension", "Definition") } as DefinitionNode];
    });
  }

  #clean(definition: TypeDefinitionNode | TypeExtensionNode): TypeDefinitionNode | TypeExtensionNode {
    const owner = definition.name.value;
    switch (definition.kind) {
      case Kind.OBJECT_TYPE_DEFINITION:
      case Kind.OBJECT_TYPE_EXTENSION:
      case Kind.INTERFACE_TYPE_DEFINITION:
      case Kind.INTERFACE_TYPE_EXTENSION:
        return {
          ...definition,
          interfaces: (definition.interfaces ?? []).filter((type) => this.#kinds.get(type.name.value) === "output"),
          fields: (definition.fields ?? []).flatMap((field) => this.#field(owner, field)),
        };
      case Kind.INPUT_OBJECT_TYPE_DEFINITION:
      case Kind.INPUT_OBJECT_TYPE_EXTENSION:
        return {
          ...definition,
          fields: (definition.fields ?? []).filter((field) =>
            this.#isKnown(field.type, "input", `${owner}.${field.name.value}`),
          ),
        };
      case Kind.UNION_TYPE_DEFINITION:
      case Kind.UNION_TYPE_EXTENSION:
        return {
          ...definition,
          types: (definition.types ?? []).filter((type) => this.#isKnown(type, "output", owner)),
        };
      default:
        return definition;
    }
  }

  #field(owner: string, field: FieldDefinitionNode): FieldDefinitionNode[] {
    const name = `${owner}.${field.name.value}`;
    if (!this.#isKnown(field.type, "output", name)) return [];
    const isKnown = (arg: InputValueDefinitionNode): boolean =>
      this.#isKnown(arg.type, "input", `${name}(${arg.name.value})`);
    const args = (field.arguments ?? []).filter(isKnown);
    const lost = (field.arguments ?? []).filter((arg) => !args.includes(arg));
    if (lost.some(({ type, defaultValue }) => type.kind === Kind.NON_NULL_TYPE && defaultValue === undefined)) {
      this.leftOut.push({ name, place: this.#placeOf(field), reason: "An argument that it needs cannot be used." });
      return [];
    }
    return [{ ...field, arguments: args }];
  }

  #isKnown(type: TypeNode, use: "input" | "output", name: string): boolean {
    const named = namedOf(type);
    const known = this.#kinds.get(named.name.value);
    if (known === use || known === "both") return true;
    const reason = known === undefined ? "is not defined" : `is no type for ${use}`;
    this.leftOut.push({ name, place: this.#placeOf(named), reason: `Its type ${named.name.value} ${reason}.` });
    return false;
  }

  #placeOf({ loc }: { readonly loc?: NamedTypeNode["loc"] }): string | undefined {
    return loc === undefined ? undefined : `${this.#shown}:${loc.startToken.line}:${loc.startToken.column}`;
  }
}

function isTypeDefinition(definition: DefinitionNode): definition is TypeDefinitionNode {
  return definition.kind.endsWith("TypeDefinition");
}

function isTypeExtension(definition: DefinitionNode): definition is TypeExtensionNode {
  return definition.kind.endsWith("TypeExtension");
}

function useOf(kind: string): "input" | "output" | "both" {
  if (kind.startsWith("InputObject")) return "input";
  return kind.startsWith("Scalar") || kind.startsWith("Enum") ? "both" : "output";
}

function namedOf(type: TypeNode): NamedTypeNode {
  return type.kind === Kind.NAMED_TYPE ? type : namedOf(type.type);
}

import {
  GraphQLError,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from "graphql";
import { didYouMean, fail, oneLine } from "../../kernel/index.ts";
import { rootField, rootFields, writeFieldDocument } from "./field-document.ts";
import type { OperationSpec } from "./operation.ts";
import { needsNoSchema, readVariables, type Variables } from "./variables.ts";

/** An operation ready to be sent. */
export interface CompiledOperation {
  readonly text: string;
  readonly name: string | undefined;
  readonly variables: Variables;
}

// Servers have directives of their own that not every introspection tells of.
const RULES = specifiedRules.filter(({ name }) => name !== "KnownDirectivesRule");
const MOST_TOKENS = 50_000;

/** Whether an operation can be checked and sent without knowing the schema. */
export function standsAlone(spec: OperationSpec, capabilityId: string): boolean {
  return spec.form === "document" && needsNoSchema(operationOf(parseText(spec.text, capabilityId), spec.name));
}

/**
 * Parses an operation, checks it by the schema where there is one, and reads its variables. Throws `invalid-argument`
 * that names line and column.
 */
export function compileOperation(
  spec: OperationSpec,
  schema: GraphQLSchema | undefined,
  capabilityId: string,
): CompiledOperation {
  const text = spec.form === "document" ? spec.text : writeField(spec, schema, capabilityId);
  const document = parseText(text, capabilityId);
  if (schema !== undefined) {
    const errors = validate(schema, document, RULES, { maxErrors: 3 });
    if (errors.length > 0) {
      const said = errors.slice(0, 3).map((error) => `${oneLine(error.message, 200)}${placeOf(error)}`);
      fail(
        "invalid-argument",
        `The operation of ${JSON.stringify(capabilityId)} does not fit the schema: ${said.join(" ")}`,
        {
          remedy: "Nothing was sent. Correct the operation, or import the capability anew if the schema has changed.",
          details: { errors: said },
        },
      );
    }
  }
  const name = spec.form === "document" ? spec.name : spec.field;
  return { text, name, variables: readVariables(operationOf(document, name), schema) };
}

function writeField(
  spec: OperationSpec & { form: "field" },
  schema: GraphQLSchema | undefined,
  capabilityId: string,
): string {
  const id = JSON.stringify(capabilityId);
  if (schema === undefined) {
    fail("invalid-argument", `${id} names a field, and the schema that it belongs to is not to be had.`, {
      remedy: "Give it an :operation instead; ccos import graphql writes one from a schema.",
    });
  }
  const field = rootField(schema, spec.kind, spec.field);
  if (field === undefined) {
    fail("invalid-argument", `The schema has no ${spec.kind} ${JSON.stringify(spec.field)}, which ${id} names.`, {
      remedy: didYouMean(spec.field, Object.keys(rootFields(schema, spec.kind))) || "Check :field and :kind.",
    });
  }
  return writeFieldDocument(schema, spec.kind, field, spec).text;
}

function parseText(text: string, capabilityId: string): DocumentNode {
  try {
    return parse(text, { maxTokens: MOST_TOKENS });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const [at] = error.locations ?? [];
    return fail(
      "invalid-argument",
      `The operation of ${JSON.stringify(capabilityId)} cannot be read: ${oneLine(error.message, 200)}${placeOf(error)}`,
      {
        remedy: "Nothing was sent. Correct the document.",
        ...(at && { details: { line: at.line, column: at.column } }),
      },
    );
  }
}

/** Where in the document, which may stand on several lines of its file. */
function placeOf({ locations }: GraphQLError): string {
  const [at] = locations ?? [];
  return at === undefined ? "." : ` (line ${at.line}, column ${at.column} of the document).`;
}

function operationOf(document: DocumentNode, name: string | undefined): OperationDefinitionNode {
  const operations = document.definitions.filter((definition) => definition.kind === "OperationDefinition");
  const found = operations.find((operation) => operation.name?.value === name);
  return found ?? (operations[0] as OperationDefinitionNode);
}

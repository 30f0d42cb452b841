import { getNamedType, isCompositeType, isRequiredArgument, type GraphQLField, type GraphQLSchema } from "graphql";
import type { OperationKind } from "./operation-text.ts";
import { printSelection, selectByDepth, type Selection } from "./selection.ts";

export interface FieldDocumentOptions {
  readonly depth: number;
  /** What is selected, instead of a choice by depth: with or without the outer braces. */
  readonly selection?: string | undefined;
}

/** An operation that asks for one field of the schema's root, its arguments being the operation's variables. */
export interface FieldDocument {
  readonly text: string;
  /** What was chosen by depth; undefined for a leaf, and where the selection was given. */
  readonly selection: Selection | undefined;
}

/** The root field of this name, by what kind of operation it belongs to. */
export function rootField(
  schema: GraphQLSchema,
  kind: OperationKind,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  const fields = rootFields(schema, kind);
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

export function rootFields(
  schema: GraphQLSchema,
  kind: OperationKind,
): Readonly<Record<string, GraphQLField<unknown, unknown>>> {
  const root = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  };
  return root[kind]?.getFields() ?? {};
}

/** Writes the operation of a root field, on one line. Deprecated arguments that nobody has to give are left out. */
export function writeFieldDocument(
  schema: GraphQLSchema,
  kind: OperationKind,
  field: GraphQLField<unknown, unknown>,
  options: FieldDocumentOptions,
): FieldDocument {
  const args = field.args.filter((arg) => arg.deprecationReason == null || isRequiredArgument(arg));
  const variables = args.map(({ name, type }) => `$${name}: ${String(type)}`).join(", ");
  const given = args.map(({ name }) => `${name}: $${name}`).join(", ");
  const chosen = options.selection === undefined ? selectByDepth(schema, field.type, options) : undefined;
  let selected = "";
  if (isCompositeType(getNamedType(field.type))) {
    selected = ` ${chosen === undefined ? braced(options.selection ?? "__typename") : printSelection(chosen)}`;
  }
  const head = `${kind} ${field.name}${variables === "" ? "" : `(${variables})`}`;
  return { text: `${head} { ${field.name}${given === "" ? "" : `(${given})`}${selected} }`, selection: chosen };
}

function braced(selection: string): string {
  const text = selection.trim();
  return text.startsWith("{") ? text : `{ ${text} }`;
}

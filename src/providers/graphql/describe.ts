import type { GraphQLField, GraphQLInputType } from "graphql";

import { Authorizer, createDispatcher } from "../../http/index.ts";
import { fail, startDeadline, systemClock, systemRandom, type JsonObject } from "../../kernel/index.ts";
import type { SessionCapability, SessionContext, TargetContext } from "../../session/handler.ts";
import type { LeftOut } from "./clean-introspection.ts";
import type { SchemaFound } from "./introspect.ts";
import { classify } from "./map-error.ts";
import type { OperationKind } from "./operation-text.ts";
import { readTarget } from "./target.ts";
import { PROVIDER } from "./traits.ts";

/** A field of the schema's root, and what a capability that asks for it is made of. */
export interface FieldDescription {
  readonly kind: OperationKind;
  readonly name: string;
  /** `file:line:column`; undefined where the schema was not read from a text. */
  readonly place: string | undefined;
  /** What is only worked out for fields that are wanted. `depth`: levels of objects, 1 to 10. */
  describe(depth: number): FieldDetails;
}

export interface FieldDetails {
  /** Of the field and its arguments, in the words of the schema. */
  readonly description: string;
  /** The operation, on one line. */
  readonly operation: string;
  /** A JSON Schema of the arguments; refers into `SchemaDescription.inputs`. */
  readonly input: JsonObject;
  /** A JSON Schema of what it gives; undefined where nothing is known. */
  readonly output: JsonObject | undefined;
}

export interface SchemaDescription {
  /** Queries first, then mutations, then subscriptions, each as the schema lists them. */
  readonly fields: readonly FieldDescription[];
  /** What the JSON Schemas of inputs refer to. */
  readonly inputs: JsonObject;
  /** What of the schema cannot be used. */
  readonly leftOut: readonly (LeftOut & { readonly isOperation: boolean })[];
}

/** A server to describe. Secrets are given as values; nothing is read from the environment. */
export interface EndpointAddress {
  readonly url: string;
  readonly token?: string | undefined;
  /** The variable the token came from, to be named when it is refused. */
  readonly tokenVariable?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Time for everything, in milliseconds. Default 30000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const KINDS = ["query", "mutation", "subscription"] as const;

/** Asks a server for its schema, by introspection. */
export async function describeEndpoint(address: EndpointAddress): Promise<SchemaDescription> {
  using deadline = startDeadline(
    systemClock,
    address.timeoutMs ?? 30_000,
    address.signal,
    () => `Asking ${url} for its schema`,
  );
  const capability = capabilityFor(address);
  const target = readTarget(capability, contextFor(address));
  const url = target.endpoint;
  const dispatcher = await createDispatcher();
  const context: SessionContext = {
    clock: systemClock,
    random: systemRandom,
    signal: deadline.signal,
    lost: () => {},
    addSecret: () => {},
    warn: () => {},
  };
  const [{ connect }, { introspect }] = await Promise.all([import("./connect.ts"), import("./introspect.ts")]);
  let found: SchemaFound;
  try {
    const authorizer = new Authorizer({ dispatcher: () => Promise.resolve(dispatcher) });
    const connection = await connect(target, { dispatcher, authorizer, context });
    found = await introspect((query) => connection.askSchema(query, deadline.signal));
  } catch (error) {
    const failure = classify(error, { phase: "open", sent: true, target });
    if (failure.code !== "rejected") throw failure;
    return fail("rejected", `${url} does not tell its schema. ${failure.message}`, {
      remedy:
        "Import from the schema instead: a file in the schema definition language, or the JSON of an introspection.",
      cause: failure,
    });
  } finally {
    await dispatcher.destroy();
  }
  return describeSchema(found);
}

/** Reads a schema from a text: the schema definition language, or the JSON of an introspection. */
export async function describeSchemaText(text: string, shown: string): Promise<SchemaDescription> {
  const { readSchemaText } = await import("./schema-text.ts");
  return describeSchema(readSchemaText(text, shown), shown);
}

async function describeSchema({ schema, leftOut }: SchemaFound, shown?: string): Promise<SchemaDescription> {
  const [{ rootFields, writeFieldDocument }, { argumentsSchema, inputSchemas, resultSchema }, graphql] =
    await Promise.all([import("./field-document.ts"), import("./type-schemas.ts"), import("graphql")]);
  const { getNamedType, isRequiredArgument, isScalarType, isSpecifiedScalarType } = graphql;
  const isOwnScalar = (type: GraphQLInputType): boolean => {
    const named = getNamedType(type);
    return isScalarType(named) && !isSpecifiedScalarType(named);
  };
  const describe = (kind: OperationKind, field: GraphQLField<unknown, unknown>): FieldDescription => ({
    kind,
    name: field.name,
    place: placeOf(field, shown),
    describe(depth) {
      const { text, selection } = writeFieldDocument(schema, kind, field, { depth });
      const args = field.args.filter((arg) => arg.deprecationReason == null || isRequiredArgument(arg));
      return {
        description: descriptionOf(field, args, isOwnScalar),
        operation: text,
        input: argumentsSchema(args),
        output: resultSchema(field.type, selection),
      };
    },
  });
  const roots = new Set(KINDS.map((kind) => schema.getRootType(kind as never)?.name));
  return {
    fields: KINDS.flatMap((kind) => Object.values(rootFields(schema, kind)).map((field) => describe(kind, field))),
    inputs: inputSchemas(schema),
    leftOut: leftOut.map((part) => ({ ...part, isOperation: roots.has(part.name.split(".", 1)[0]) })),
  };
}

function descriptionOf(
  field: GraphQLField<unknown, unknown>,
  args: GraphQLField<unknown, unknown>["args"],
  isOwnScalar: (type: GraphQLInputType) => boolean,
): string {
  const { description, deprecationReason } = field;
  const lines = [description ?? ""];
  if (deprecationReason != null) lines.push(`Deprecated: ${deprecationReason}`);
  const told = args.flatMap((arg) => {
    // What a scalar of the schema's own looks like, no type can say; its name often does.
    const kind = isOwnScalar(arg.type) ? ` (${String(arg.type)})` : "";
    return arg.description || kind !== "" ? [`${arg.name}${kind}: ${arg.description ?? ""}`.trimEnd()] : [];
  });
  if (told.length > 0) lines.push(told.join("\n"));
  return lines.filter((line) => line !== "").join("\n\n");
}

function placeOf({ astNode }: GraphQLField<unknown, unknown>, shown: string | undefined): string | undefined {
  const at = astNode?.loc?.startToken;
  return at === undefined || shown === undefined ? undefined : `${shown}:${at.line}:${at.column}`;
}

/** What a capability would be that asks this server for nothing in particular. */
function capabilityFor({ url, headers = {}, tokenVariable }: EndpointAddress): SessionCapability {
  const metadata: Record<string, string> = Object.create(null) as Record<string, string>;
  metadata[`${PROVIDER}_endpoint`] = url;
  metadata[`${PROVIDER}_operation`] = "{ __typename }";
  metadata[`${PROVIDER}_auth_env_var`] = tokenVariable ?? "TOKEN";
  return { id: "the schema", metadata, block: { headers: { ...headers } }, idempotent: undefined, trusted: true };
}

function contextFor({ token }: EndpointAddress): TargetContext {
  return {
    variable: () => undefined,
    secret: () => token,
    authorizeEndpoint: () => {},
    authorizeCommand: () => {},
    endpointSettings: () => ({}),
  };
}

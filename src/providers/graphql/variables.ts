import {
  GraphQLList,
  GraphQLNonNull,
  GraphQLScalarType,
  isInputType,
  isNonNullType,
  specifiedScalarTypes,
  validateInputValue,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type TypeNode,
} from "graphql";
import {
  didYouMean,
  fail,
  isJsonObject,
  oneLine,
  setOwn,
  type JsonObject,
  type JsonValue,
} from "../../kernel/index.ts";

interface Variable {
  readonly type: GraphQLInputType;
  readonly isNeeded: boolean;
}

/** The variables of an operation, with the types that their values have to have. */
export type Variables = ReadonlyMap<string, Variable>;

const MOST_PROBLEMS = 5;

/**
 * Reads what variables an operation has. Without a schema, only the types that every schema has are known (`Int`,
 * `Float`, `String`, `Boolean`, `ID`, lists and `!`); of any other type every value is accepted.
 */
export function readVariables(operation: OperationDefinitionNode, schema: GraphQLSchema | undefined): Variables {
  const variables = new Map<string, Variable>();
  for (const { variable, type: node, defaultValue } of operation.variableDefinitions ?? []) {
    const type = typeOf(node, schema);
    variables.set(variable.name.value, { type, isNeeded: isNonNullType(type) && defaultValue === undefined });
  }
  return variables;
}

/** Whether the types of all variables are known without a schema. */
export function needsNoSchema(operation: OperationDefinitionNode): boolean {
  return (operation.variableDefinitions ?? []).every(({ type }) => BUILT_IN.has(nameOf(type)));
}

const BUILT_IN = new Map<string, GraphQLScalarType>(specifiedScalarTypes.map((type) => [type.name, type]));

function nameOf(node: TypeNode): string {
  return node.kind === "NamedType" ? node.name.value : nameOf(node.type);
}

function typeOf(node: TypeNode, schema: GraphQLSchema | undefined): GraphQLInputType {
  if (node.kind === "NonNullType") return new GraphQLNonNull(typeOf(node.type, schema) as GraphQLScalarType);
  if (node.kind === "ListType") return new GraphQLList(typeOf(node.type, schema));
  const name = node.name.value;
  const known = schema?.getType(name);
  return isInputType(known) ? known : (BUILT_IN.get(name) ?? new GraphQLScalarType({ name }));
}

/** The input of a call as variables, checked. `capabilityId` is named in errors. */
export function checkVariables(variables: Variables, input: JsonValue, capabilityId: string): JsonObject {
  const id = JSON.stringify(capabilityId);
  if (input !== null && !isJsonObject(input)) {
    fail("invalid-argument", `${id} takes a map of variables, and got another kind of value.`, {
      remedy: 'Call it with one map, such as {:login "octocat"}.',
    });
  }
  const given = input ?? {};
  const values: JsonObject = {};
  const problems: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    if (!variables.has(name)) problems.push(unknown(name, variables));
    // Data of a call: kept apart from the prototype, whatever its keys are.
    setOwn(values, name, value);
  }
  for (const [name, { type, isNeeded }] of variables) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined) {
      if (isNeeded) problems.push(`$${name} is missing; it is a ${String(type)}.`);
      continue;
    }
    validateInputValue(value, type, (error, path) => {
      if (problems.length < MOST_PROBLEMS)
        problems.push(`$${[name, ...path].join(".")}: ${oneLine(error.message, 200)}`);
    });
  }
  if (problems.length === 0) return values;
  return fail(
    "invalid-argument",
    `${id} was given variables that do not fit: ${problems.slice(0, MOST_PROBLEMS).join(" ")}`,
    {
      remedy: "Nothing was sent. ccos describe shows what it takes.",
      details: { variables: problems.slice(0, MOST_PROBLEMS) },
    },
  );
}

function unknown(name: string, variables: Variables): string {
  const shown = oneLine(name, 60);
  const near = didYouMean(name, variables.keys());
  const known = [...variables.keys()].slice(0, 20).map((each) => `$${each}`);
  const hint = near !== "" ? near : known.length === 0 ? "It takes none." : `It takes ${known.join(", ")}.`;
  return `There is no variable $${shown}. ${hint}`;
}

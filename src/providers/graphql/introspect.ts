import { buildClientSchema, getIntrospectionQuery, type GraphQLSchema, type IntrospectionOptions } from "graphql";
import { isCcosError, type JsonValue } from "../../kernel/index.ts";
import { cleanIntrospection, type LeftOut } from "./clean-introspection.ts";
import { readValue, type GraphqlResponse } from "./map-value.ts";
import { WireError } from "./wire-error.ts";

/** A schema as we work with it, and what of it is not sound. */
export interface SchemaFound {
  readonly schema: GraphQLSchema;
  readonly leftOut: readonly LeftOut[];
}

/** From the newest to what every server knows; the last for servers that bound the depth of queries. */
const ATTEMPTS: readonly IntrospectionOptions[] = [
  {
    inputValueDeprecation: true,
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    schemaDescription: true,
    oneOf: true,
  },
  { inputValueDeprecation: true, specifiedByUrl: true, schemaDescription: true },
  { inputValueDeprecation: true },
  {},
  { typeDepth: 4 },
];

/** Asks a server for its schema, with fewer questions each time it does not understand one. */
export async function introspect(ask: (query: string) => Promise<GraphqlResponse>): Promise<SchemaFound> {
  let refusal: unknown;
  for (const options of ATTEMPTS) {
    try {
      const response = await ask(getIntrospectionQuery(options));
      const data = readValue(response, { kind: "query", resultField: undefined, onError: "data" });
      return schemaOf(data);
    } catch (error) {
      if (!isQuestionRefused(error)) throw error;
      refusal ??= error;
      if (isForbidden(error)) break;
    }
  }
  throw refusal;
}

/** The schema of an introspection's answer; with or without the envelope of the response. */
export function schemaOf(value: JsonValue): SchemaFound {
  const { introspection, leftOut } = cleanIntrospection(value);
  // Real schemas break rules that were made after them, and nobody here executes anything by them.
  return { schema: buildClientSchema(introspection, { assumeValid: true }), leftOut };
}

/** The server answered that the question is wrong; other questions may be right. */
function isQuestionRefused(error: unknown): boolean {
  if (isCcosError(error)) return false;
  if (!(error instanceof WireError)) return false;
  const { failure } = error;
  if (failure.kind === "response")
    return !failure.errors.some(({ code }) => code !== undefined && /AUTH|RATE|THROTTLE/.test(code));
  return failure.kind === "status" && (failure.answer.status === 400 || failure.answer.status === 500);
}

function isForbidden(error: unknown): boolean {
  return (
    error instanceof WireError &&
    error.failure.kind === "response" &&
    error.failure.errors.some(
      ({ code, message }) =>
        /introspection/i.test(`${code} ${message}`) &&
        /disabled|not allowed|not permitted|forbidden/i.test(`${code} ${message}`),
    )
  );
}

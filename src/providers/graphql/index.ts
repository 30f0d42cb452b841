import type { EndpointAddress, SchemaDescription } from "./describe.ts";

export { createGraphqlHandler, GraphQLSessionHandler } from "./handler.ts";
export type { EndpointAddress, FieldDescription, FieldDetails, SchemaDescription } from "./describe.ts";
// Only an import needs them: a program that calls loads nothing of them.

/** Asks a server for its schema, by introspection. */
export async function describeEndpoint(address: EndpointAddress): Promise<SchemaDescription> {
  return (await import("./describe.ts")).describeEndpoint(address);
}

/** Reads a schema from a text: the schema definition language, or the JSON of an introspection. */
export async function describeSchemaText(text: string, shown: string): Promise<SchemaDescription> {
  return (await import("./describe.ts")).describeSchemaText(text, shown);
}

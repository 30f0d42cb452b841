import { extname } from "node:path";
import {
  createRedactor,
  fail,
  isCcosError,
  isSecretName,
  oneLine,
  type JsonObject,
  type JsonValue,
} from "../kernel/index.ts";
import {
  describeEndpoint,
  describeSchemaText,
  type FieldDescription,
  type SchemaDescription,
} from "../providers/graphql/index.ts";
import { jsonSchemaToShallowType, type Type } from "../rtfs/index.ts";
import type { Declaration, ImportOptions, ImportResult, Warn } from "./declaration.ts";
import { loosenType, nullable } from "./loosen-type.ts";
import { requireNoCredentials, warnOfSecrets } from "./plain-address.ts";
import { readSource, type Source } from "./read-source.ts";
import { readToken } from "./token.ts";
import { beginImport, writeListing } from "./write-listing.ts";

/**
 * The source is the address of a server (http or https), which is asked by introspection; or a schema in the schema
 * definition language or as the JSON of an introspection: a file, or an address that ends in `.graphql`, `.graphqls`,
 * `.gql` or `.json`.
 */
export interface ImportGraphqlOptions extends ImportOptions {
  /** The address of the service, where the source is a schema. Without it the files name a variable for it. */
  readonly endpoint?: string | undefined;
  /** Levels of objects that are selected of a result, 1 to 10. Default 2. */
  readonly depth?: number | undefined;
  /** Sent while asking the service, and written to the files: no secrets. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

const SCHEMA_FILE = /^\.(?:graphql|graphqls|gql|json)$/i;
const ACCEPT = "application/graphql, application/json, text/plain, */*;q=0.5";
const DEFAULT_DEPTH = 2;
const MOST_DEPTH = 10;
/** Inputs are what has to be known of an operation; of its results, less is enough. */
const MOST_INPUT_NODES = 1_000;
const MOST_OUTPUT_NODES = 250;
/** Replaces the endpoint of files that know none. */
const ENDPOINT_VARIABLE = "GRAPHQL_ENDPOINT";

/** Writes a capability file for each query, mutation and subscription of a GraphQL service. */
export async function importGraphql(options: ImportGraphqlOptions): Promise<ImportResult> {
  const run = beginImport(options);
  const { depth = DEFAULT_DEPTH, headers = {}, authEnv } = options;
  if (!Number.isSafeInteger(depth) || depth < 1 || depth > MOST_DEPTH)
    fail("invalid-argument", `The depth is no whole number from 1 to ${MOST_DEPTH}.`);
  for (const name of Object.keys(headers)) refuseSecret(name);
  const service = await readService(options, run.warn);
  const { description, endpoint } = service;
  if (endpoint === undefined) {
    run.warn(`The files name no endpoint: set ${ENDPOINT_VARIABLE} to it, or import again with --endpoint.`);
  }
  const connection: JsonObject = {
    ...(endpoint === undefined ? { endpoint_override_env: ENDPOINT_VARIABLE } : { endpoint: endpoint.href }),
    requires_session: "true",
    ...(authEnv !== undefined && { auth_env_var: authEnv }),
    ...(Object.keys(headers).length > 0 && { headers: { ...headers } }),
  };
  for (const { name, place, reason } of description.leftOut.filter(({ isOperation }) => !isOperation))
    run.warn(`${name}${place === undefined ? "" : ` (${place})`} was left out: ${reason}`);
  return writeListing(
    {
      provider: "graphql",
      serverName: "",
      fallbackName: service.name,
      sourceText: service.shown,
      method: service.method,
      noun: "operation",
      operations: description.fields.map((field) => ({
        name: field.name,
        place: field.place,
        declare: (warn) => declareField(field, { connection, inputs: description.inputs, depth, warn }),
      })),
      notImported: description.leftOut
        .filter(({ isOperation }) => isOperation)
        .map(({ name, place, reason }) => ({ operation: name, place, reason })),
    },
    options,
    run,
  );
}

interface Service {
  readonly description: SchemaDescription;
  /** Where it is called; undefined where a schema did not say. */
  readonly endpoint: URL | undefined;
  /** What stands in the ids. */
  readonly name: string;
  readonly shown: string;
  readonly method: string;
}

async function readService(options: ImportGraphqlOptions, warn: Warn): Promise<Service> {
  const address = URL.parse(String(options.source).trim());
  if (address !== null && /^https?:$/.test(address.protocol) && !SCHEMA_FILE.test(extname(address.pathname))) {
    if (options.endpoint !== undefined) warn("--endpoint is for schemas; the source is the endpoint.");
    const endpoint = endpointOf(address.href, warn);
    return { ...(await introspected(endpoint, options)), endpoint, name: endpoint.hostname };
  }
  const source = await readSource(options, { accept: ACCEPT, noun: "schema" });
  return {
    description: await describeSchemaText(source.text, source.shown),
    endpoint: options.endpoint === undefined ? undefined : endpointOf(options.endpoint, warn),
    name: options.endpoint === undefined ? nameOf(source) : new URL(options.endpoint).hostname,
    shown: source.shown,
    method: "graphql_schema",
  };
}

async function introspected(
  endpoint: URL,
  options: ImportGraphqlOptions,
): Promise<Pick<Service, "description" | "shown" | "method">> {
  const shown = createRedactor().redact(endpoint.href);
  const { authEnv, headers, timeout, signal } = options;
  const address = {
    url: endpoint.href,
    token: readToken(options, shown, endpoint),
    tokenVariable: authEnv,
    headers,
    timeoutMs: timeout,
    signal,
  };
  try {
    return { description: await describeEndpoint(address), shown, method: "graphql_introspection" };
  } catch (error) {
    if (!isCcosError(error) || error.code !== "unauthenticated" || authEnv !== undefined) throw error;
    throw error.with({ remedy: "Put a token into a variable and name that with --auth-env." });
  }
}

/** An endpoint as it is written to the files. */
function endpointOf(text: string, warn: Warn): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return fail("invalid-argument", `${oneLine(createRedactor().redact(text), 200)} is no http or https address.`, {
      remedy: "Give the address of the service, such as https://api.example.com/graphql.",
    });
  }
  requireNoCredentials(url);
  url.hash = "";
  warnOfSecrets(url, warn);
  return url;
}

function nameOf({ url }: Source): string {
  const file = decodeURIComponent(url.pathname.split("/").at(-1) ?? "").replace(/\.\w+$/, "");
  return file === "" ? "service" : file;
}

function refuseSecret(header: string): void {
  if (!isSecretName(header)) return;
  fail("invalid-argument", `The header ${oneLine(header, 60)} carries a secret, which would be written to the files.`, {
    remedy: "Put the token into a variable and name that with --auth-env.",
  });
}

interface DeclareOptions {
  readonly connection: JsonObject;
  readonly inputs: JsonObject;
  readonly depth: number;
  readonly warn: Warn;
}

function declareField(field: FieldDescription, { connection, inputs, depth, warn }: DeclareOptions): Declaration {
  const { description, operation, input, output } = field.describe(depth);
  return {
    description,
    inputSchema: jsonSchemaToShallowType(input, warn, {
      root: inputs,
      direction: "request",
      mostNodes: MOST_INPUT_NODES,
    }),
    outputSchema: output && resultType(output),
    // Its input type says what the schema says of variables: the schema need not be asked for again.
    metadata: { graphql: { ...connection, operation, result_field: field.name, introspection: "never" } },
  };
}

/** Services change, and a value that its type refuses is an error: what kind it is of is told, and no more. */
function resultType(output: JsonObject): Type {
  const type = nullable(loosenType(jsonSchemaToShallowType(output, () => {}, { mostNodes: MOST_OUTPUT_NODES })));
  const inner = type.kind === "optional" ? type.type : type;
  // Data that came with errors is kept in a map with them, which is a value of any record already.
  if (inner.kind === "record") return type;
  return nullable({ kind: "union", types: [inner, PARTIAL] });
}

const PARTIAL: Type = jsonSchemaToShallowType(
  { type: "object", properties: { data: {}, errors: { type: "array" } }, required: ["errors"] } satisfies JsonValue,
  () => {},
  {},
);

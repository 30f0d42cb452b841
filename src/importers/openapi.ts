import { isLoopbackHost, type JsonObject, type JsonValue } from "../kernel/index.ts";
import { jsonSchemaToShallowType, type Type } from "../rtfs/index.ts";
import { createOpenApiHandler, type OpenApiSessionHandler } from "../providers/openapi/index.ts";
import { checkBlock } from "./check-block.ts";
import type { Declaration, ImportOptions, ImportResult, NotImported, Warn } from "./declaration.ts";
import { pointerText } from "./json-pointer.ts";
import { loosenType, nullable } from "./loosen-type.ts";
import { readOpenApi, type OpenApiDocument } from "./openapi-document.ts";
import { describeOperation, serviceName } from "./openapi-description.ts";
import { readInput, type OperationInput } from "./openapi-input.ts";
import { listOperations, type FoundOperation } from "./openapi-operations.ts";
import { readOutput } from "./openapi-output.ts";
import { securityOf } from "./openapi-security.ts";
import { readServers, type Servers } from "./openapi-servers.ts";
import { readSource } from "./read-source.ts";
import { beginImport, writeListing } from "./write-listing.ts";

/** The source is a description in OpenAPI 3.0 or 3.1 or Swagger 2.0, in JSON or YAML: a file, or an http(s) address. */
export interface ImportOpenApiOptions extends ImportOptions {
  /** The address of the service, for every operation. Default: the first server that the description names. */
  readonly server?: string | undefined;
}

const ACCEPT =
  "application/vnd.oai.openapi+json, application/json, application/vnd.oai.openapi, application/yaml, */*;q=0.5";
/** Inputs are what has to be known of an operation; of its results, a few levels are enough. */
const MOST_INPUT_NODES = 1_000;
const MOST_OUTPUT_NODES = 250;
const MOST_LINES = 1_000;

/** Writes a capability file for each operation of an OpenAPI description. */
export async function importOpenApi(options: ImportOpenApiOptions): Promise<ImportResult> {
  const run = beginImport(options);
  const source = await readSource(options, { accept: ACCEPT, noun: "description" });
  const document = await readOpenApi(source, run.warn);
  const servers = readServers(document, options.server, source.url, run.warn);
  const { main } = servers;
  if (options.authEnv !== undefined && main?.protocol === "http:" && !isLoopbackHost(main.hostname)) {
    run.warn(`Calls go to ${main.origin} in the clear: the token in ${options.authEnv} will not be sent there.`);
  }
  const notImported: NotImported[] = [...document.broken];
  const pointers = new Map<string, readonly string[]>();
  const found = listOperations(document, (pointer, entry) => {
    pointers.set(pointerText(pointer), pointer);
    notImported.push({ ...entry, place: pointerText(pointer) });
  });
  for (const { pointer } of found) pointers.set(pointerText(pointer), pointer);
  const context: Context = { document, servers, authEnv: options.authEnv, handler: createOpenApiHandler() };
  const result = await writeListing(
    {
      provider: "openapi",
      serverName: serviceName(document),
      fallbackName: servers.main?.hostname ?? "service",
      sourceText: source.shown,
      method: "openapi_description",
      noun: "operation",
      operations: found.map((operation) => ({
        name: operation.name,
        idParts: [operation.idPart],
        place: pointerText(operation.pointer),
        declare: (warn) => declareOperation(operation, context, warn),
      })),
      notImported,
      isComplete: notImported.length === 0,
    },
    options,
    run,
  );
  return { ...result, notImported: await withLines(result.notImported, pointers, document) };
}

/** Where a pointer stands in the file is looked up only for what people are told of. */
function withLines(
  notImported: readonly NotImported[],
  pointers: ReadonlyMap<string, readonly string[]>,
  document: OpenApiDocument,
): Promise<NotImported[]> {
  return Promise.all(
    notImported.map(async (entry, index) => {
      const pointer = index < MOST_LINES ? pointers.get(entry.place ?? "") : undefined;
      return pointer === undefined ? entry : { ...entry, place: await document.placeOf(pointer) };
    }),
  );
}

interface Context {
  readonly document: OpenApiDocument;
  readonly servers: Servers;
  readonly authEnv: string | undefined;
  readonly handler: OpenApiSessionHandler;
}

function declareOperation(found: FoundOperation, context: Context, warn: Warn): Declaration {
  const { document, servers } = context;
  const base = servers.baseOf(found);
  const isElsewhere = servers.main !== undefined && base.origin !== servers.main.origin;
  const { authEnv } = context;
  if (isElsewhere && authEnv !== undefined) {
    warn(`it goes to ${base.origin}, for which the token in ${authEnv} may not be meant: its file does not name it.`);
  }
  const input = readInput(document, found, warn);
  const output = readOutput(document, found, warn);
  const block: JsonObject = {
    base_url: base.href.replace(/\/+$/, ""),
    path: sentPath(found, input, warn),
    method: found.method,
    ...(found.name === found.idPart && { operation_id: found.name.toWellFormed() }),
    requires_session: "auto",
    ...securityOf(document, found, isElsewhere ? undefined : authEnv),
    ...input.keys,
    ...output.keys,
  };
  const reading = { root: document.root };
  const metadata: JsonObject = { openapi: block };
  checkBlock(context.handler, found.name, metadata);
  return {
    ...describeOperation(found, input.notes),
    inputSchema: jsonSchemaToShallowType(input.schema, warn, {
      ...reading,
      direction: "request",
      mostNodes: MOST_INPUT_NODES,
    }),
    outputSchema: resultType(output.schema, document),
    metadata,
  };
}

function sentPath({ path }: FoundOperation, { wholePaths }: OperationInput, warn: Warn): string {
  // Some descriptions tell operations of one path apart by a fragment, which no request carries.
  const [sent = "", fragment] = path.split("#", 2);
  if (fragment !== undefined) warn("its path has a fragment, which is not sent.");
  return sent.replace(/\{([^{}]+)\}/g, (whole, name: string) => (wholePaths.has(name) ? `{+${name}}` : whole));
}

function resultType(schema: JsonValue | undefined, { root }: OpenApiDocument): Type | undefined {
  if (schema === undefined) return undefined;
  const reading = { root, direction: "response", mostNodes: MOST_OUTPUT_NODES } as const;
  // Patterns are not checked in results, so nobody needs to hear of those that cannot be.
  return nullable(loosenType(jsonSchemaToShallowType(schema, () => {}, reading)));
}

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { requirePeer } from "../peers/peers.ts";

/** A request that the description does not allow. */
export interface InvalidRequest {
  readonly request: string;
  readonly why: string;
}

export interface ValidatingServer {
  readonly url: string;
  readonly invalid: InvalidRequest[];
  /** The operations that were asked for, by their ids, in order. */
  readonly operations: string[];
  stop(): Promise<void>;
}

/** A description in OpenAPI 3, as far as this file looks into it. */
export interface Definition {
  readonly components?: { readonly securitySchemes?: Readonly<Record<string, Scheme>> };
}
interface Scheme {
  readonly type: string;
  readonly in?: string;
  readonly name?: string;
}
interface Operation {
  readonly operationId: string;
  readonly requestBody?: { readonly content: Record<string, unknown>; readonly required?: boolean };
  readonly responses: Record<string, { readonly content?: Record<string, unknown> }>;
}
interface Context {
  readonly operation: Operation;
  readonly validation: { readonly errors: readonly { instancePath: string; message?: string }[] | null };
  readonly api: { mockResponseForOperation(id: string): { status: number; mock: unknown } };
}
type Handle = (context: Context, request: IncomingMessage, response: ServerResponse) => void;

/**
 * A service that takes only what its description allows, and answers with the examples of the description, or with what its
 * schemas say: a library that shares nothing with the importer decides both. Without mocks it answers `{}`: that library
 * cannot make values of schemas that refer to themselves.
 */
export async function startValidatingServer(
  definition: Definition,
  { hasMocks = true }: { readonly hasMocks?: boolean } = {},
): Promise<ValidatingServer> {
  const { OpenAPIBackend } = requirePeer("openapi-backend") as {
    OpenAPIBackend: new (options: object) => {
      register(name: string, handle: Handle): void;
      registerSecurityHandler(
        name: string,
        isAuthorized: (context: Context, request: IncomingMessage) => boolean,
      ): void;
      init(): Promise<unknown>;
      handleRequest(given: object, request: IncomingMessage, response: ServerResponse): Promise<unknown>;
    };
  };
  const invalid: InvalidRequest[] = [];
  const operations: string[] = [];
  const api = new OpenAPIBackend({
    definition: repaired(definition),
    // Validators are made when they are needed: all of them would take minutes.
    quick: true,
    validate: true,
    ajvOpts: { strict: false, validateFormats: false, logger: false },
  });
  const refuse = (why: string, request: IncomingMessage, response: ServerResponse, status = 400): void => {
    invalid.push({ request: `${request.method} ${request.url}`, why });
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ message: why }));
  };
  api.register("notFound", (_context, request, response) => refuse("no such operation", request, response, 404));
  api.register("methodNotAllowed", (_context, request, response) => refuse("no such method", request, response, 405));
  api.register("unauthorizedHandler", (_context, request, response) => refuse("no credential", request, response, 401));
  for (const [name, scheme] of Object.entries(definition.components?.securitySchemes ?? {})) {
    api.registerSecurityHandler(name, (_context, request) => carries(scheme, request));
  }
  api.register("validationFail", ({ operation, validation }, request, response) => {
    const problems = (validation.errors ?? []).slice(0, 4).map((error) => `${error.instancePath} ${error.message}`);
    refuse(`${operation.operationId}: ${problems.join("; ")}`, request, response);
  });
  api.register("notImplemented", ({ api: mocks, operation }, request, response) => {
    operations.push(operation.operationId);
    const why = bodyComplaint(operation, request);
    if (why !== undefined) return refuse(`${operation.operationId}: ${why}`, request, response);
    const { status, mock } = hasMocks
      ? mocks.mockResponseForOperation(operation.operationId)
      : { status: 200, mock: {} };
    const [type = ""] = Object.keys(operation.responses[String(status)]?.content ?? {});
    if (type === "" || status === 204) return void response.writeHead(status).end();
    const isJson = /[/+]json/.test(type);
    response.writeHead(status, { "content-type": type.replace("*/*", "application/json") });
    response.end(isJson ? JSON.stringify(mock) : typeof mock === "string" ? mock : JSON.stringify(mock));
  });
  await api.init();

  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const bytes = Buffer.concat(chunks);
      Object.assign(request, { bodyBytes: bytes.length });
      const url = new URL(request.url ?? "/", "http://x");
      await api.handleRequest(
        {
          method: request.method,
          path: url.pathname,
          query: url.search.slice(1),
          headers: request.headers,
          body: bytes.length === 0 ? undefined : await readBody(bytes, request.headers["content-type"] ?? ""),
        },
        request,
        response,
      );
    })().catch((error: unknown) => refuse(`the server failed: ${String(error)}`, request, response, 500));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    invalid,
    operations,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Its validator refuses to read `nullable` beside anything but a type, which descriptions have nonetheless. */
function repaired<T>(value: T): T {
  if (Array.isArray(value)) return value.map(repaired) as T;
  if (typeof value !== "object" || value === null) return value;
  const { nullable, ...rest } = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, repaired(item)]));
  if (typeof nullable !== "boolean" || "type" in value)
    return (nullable === undefined ? rest : { ...rest, nullable }) as T;
  return (nullable ? { anyOf: [rest, { type: "null" }] } : rest) as T;
}

/** Whether a request carries what a security scheme asks for. */
function carries({ type, in: place, name = "" }: Scheme, { headers, url }: IncomingMessage): boolean {
  if (type !== "apiKey") return /^(?:Bearer|Basic) \S+$/.test(headers.authorization ?? "");
  if (place === "query") return new URL(url ?? "/", "http://x").searchParams.has(name);
  return place === "header" ? headers[name.toLowerCase()] !== undefined : (headers.cookie ?? "").includes(`${name}=`);
}

/** What the library does not look at: whether there is a body, and of which kind. */
function bodyComplaint({ requestBody }: Operation, request: IncomingMessage): string | undefined {
  const { bodyBytes = 0 } = request as IncomingMessage & { bodyBytes?: number };
  const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "";
  if (requestBody === undefined) return bodyBytes > 0 ? "a body that is not declared" : undefined;
  if (bodyBytes === 0) return requestBody.required === true ? "the body is missing" : undefined;
  const declared = Object.keys(requestBody.content).map((each) => each.split(";")[0] as string);
  return declared.includes(type) || declared.includes("*/*")
    ? undefined
    : `a body of ${type}, not ${declared.join(" or ")}`;
}

async function readBody(bytes: Buffer, contentType: string): Promise<unknown> {
  if (/[/+]json/.test(contentType)) return JSON.parse(bytes.toString("utf8"));
  if (!/form/.test(contentType)) return bytes.toString("latin1");
  const form = await new Response(new Uint8Array(bytes), { headers: { "content-type": contentType } }).formData();
  const result: Record<string, unknown> = {};
  for (const [name, field] of form) {
    const value: unknown = typeof field === "string" ? typed(field) : await field.text();
    result[name] = name in result ? [result[name], value].flat() : value;
  }
  return result;
}

/** Everything in a form is text; what it stands for is told by the schema. */
function typed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

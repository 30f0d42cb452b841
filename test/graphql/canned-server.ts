import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { JsonObject } from "../../src/kernel/index.ts";
import { createGraphqlHandler } from "../../src/providers/graphql/index.ts";
import { capabilityOf, driveHandler, type HandlerDriver } from "../../testing/drive-handler.ts";

/** What a server is to answer, whatever it is asked. */
export interface Canned {
  readonly status?: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly json?: unknown;
  /** Ends the connection after the body, which then is a part of what was announced. */
  readonly cut?: boolean;
}

export interface CannedRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  /** The parameters of the request, from its body or its query. */
  readonly asked: { readonly query?: string; readonly operationName?: string; readonly [key: string]: unknown };
}

export type CannedAnswer = Canned | ((request: CannedRequest) => Canned | Promise<Canned>);

/** A server that answers what a test says, and keeps what it was asked. */
export interface CannedServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: CannedRequest[];
}

export async function startCannedServer(answer: CannedAnswer): Promise<CannedServer> {
  const requests: CannedRequest[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      let body = "";
      for await (const chunk of request) body += String(chunk);
      const url = new URL(request.url ?? "/", "http://127.0.0.1");
      const inQuery = Object.fromEntries(url.searchParams);
      const asked = body.startsWith("{") ? (JSON.parse(body) as CannedRequest["asked"]) : inQuery;
      const seen = { method: request.method ?? "", url, headers: request.headers, asked };
      requests.push(seen);
      const {
        status = 200,
        type,
        headers,
        body: text,
        json,
        cut,
      } = typeof answer === "function" ? await answer(seen) : answer;
      const content = text ?? JSON.stringify(json ?? { data: {} });
      response.writeHead(status, {
        ...(type !== "" && { "content-type": type ?? "application/graphql-response+json" }),
        ...(cut === true && { "content-length": String(Buffer.byteLength(content) + 10) }),
        ...headers,
      });
      if (cut !== true) return response.end(content);
      response.write(content);
      return setImmediate(() => request.socket.destroy());
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One call of a capability with this block, in a session of its own. */
export async function callOnce(
  block: JsonObject,
  input: JsonObject | null = null,
  options: { readonly env?: Readonly<Record<string, string>>; readonly driver?: HandlerDriver<unknown> } = {},
): Promise<unknown> {
  const driver = options.driver ?? driveHandler(createGraphqlHandler(), { env: options.env ?? {} });
  try {
    const capability = capabilityOf("graphql", block);
    return await driver.call(await driver.open(capability), capability, input);
  } finally {
    if (options.driver === undefined) await driver.close();
  }
}

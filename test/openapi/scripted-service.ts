import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a service was asked. */
export interface Asked {
  readonly method: string;
  /** Path and query, as they came. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A service whose answers a test writes: each by method and path, such as `GET /users`. */
export interface ScriptedService extends AsyncDisposable {
  readonly url: string;
  readonly asked: Asked[];
  on(place: string, answer: (asked: Asked, response: ServerResponse) => void | Promise<void>): void;
}

export async function startService(): Promise<ScriptedService> {
  const answers = new Map<string, (asked: Asked, response: ServerResponse) => void | Promise<void>>();
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "", url = "", headers } = request;
    const one: Asked = { method, url, headers, body: Buffer.concat(chunks).toString("latin1") };
    asked.push(one);
    const answer = answers.get(`${method} ${url.split("?", 1)[0]}`);
    if (answer === undefined) response.writeHead(404).end();
    else await answer(one, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    on: (place, answer) => void answers.set(place, answer),
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

export function json(
  response: ServerResponse,
  value: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
}

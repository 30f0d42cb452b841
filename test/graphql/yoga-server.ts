import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { GraphQLSchema } from "graphql";
import { createYoga } from "graphql-yoga";
import { useServer } from "graphql-ws/use/ws";
import { WebSocketServer } from "ws";

export interface YogaServer extends AsyncDisposable {
  readonly url: string;
  /** Requests over HTTP so far, and what they asked. */
  readonly requests: { readonly method: string; readonly body: string; readonly headers: IncomingMessage["headers"] }[];
  /** Payloads of `connection_init`. */
  readonly inits: unknown[];
  /** Sockets that are open. */
  readonly sockets: number;
  /** Loses everything that is known of sessions, and closes every socket. */
  closeSockets(): void;
}

export interface YogaOptions {
  readonly schema: GraphQLSchema;
  /** Refuses every request without this token. */
  readonly token?: string;
  /** Takes no WebSockets. */
  readonly withoutSockets?: boolean;
  readonly port?: number;
}

/** graphql-yoga with server-sent events, and a server of graphql-ws at the same address. */
export async function startYoga({ schema, token, withoutSockets, port = 0 }: YogaOptions): Promise<YogaServer> {
  const requests: YogaServer["requests"] = [];
  const inits: unknown[] = [];
  const yoga = createYoga({ schema, logging: false, landingPage: false, maskedErrors: false });
  const isRefused = (authorization: string | undefined): boolean =>
    token !== undefined && authorization !== `Bearer ${token}`;
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => requests.push({ method: request.method ?? "", body, headers: request.headers }));
    if (!isRefused(request.headers.authorization)) return void yoga(request, response);
    response.writeHead(401, { "content-type": "application/json" });
    return response.end('{"message":"Bad credentials"}');
  });
  const sockets = new WebSocketServer({ noServer: true });
  useServer(
    {
      schema,
      onConnect: ({ connectionParams, extra }) => {
        inits.push(connectionParams);
        return !isRefused(extra.request.headers.authorization);
      },
    },
    sockets,
  );
  if (withoutSockets !== true)
    server.on("upgrade", (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit("connection", opened, request)),
    );
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    requests,
    inits,
    get sockets() {
      return sockets.clients.size;
    },
    closeSockets() {
      for (const socket of sockets.clients) socket.close(1001, "Going away");
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

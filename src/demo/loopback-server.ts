import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { isLoopbackHost } from "../kernel/index.ts";

export interface LoopbackServer {
  readonly port: number;
  /** Ends every connection and frees the port. */
  close(): Promise<void>;
}

/**
 * An HTTP server on the loopback interface for programs of this machine: what comes from a page in a browser, or by a
 * name that only resolves to loopback, is refused.
 *
 * @param port 0 for any free one
 */
export async function startLoopbackServer(listener: RequestListener, port: number): Promise<LoopbackServer> {
  const server = createServer((request, response) => {
    if (isMisdirected(request)) response.writeHead(403, { "content-type": "text/plain" }).end("Forbidden\n");
    else listener(request, response);
  });
  await listening(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function isMisdirected({ headers }: IncomingMessage): boolean {
  const { host = "", origin } = headers;
  const name = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : "";
  return origin !== undefined || !isLoopbackHost(name);
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
}

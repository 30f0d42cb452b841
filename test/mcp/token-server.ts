import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A token endpoint for client credentials: whoever has a secret gets a token. */
export interface TokenServer extends AsyncDisposable {
  readonly url: string;
  /** Tokens given so far. */
  readonly given: readonly string[];
  /** Nobody gets one while this is true. */
  refuses: boolean;
}

/** @param gave told each token before its owner has it */
export async function startTokenServer(gave: (token: string) => void): Promise<TokenServer> {
  const given: string[] = [];
  const server = createServer((request, response) => {
    const pair = Buffer.from((request.headers.authorization ?? "").replace(/^Basic /, ""), "base64").toString("utf8");
    request.resume();
    response.setHeader("content-type", "application/json");
    if (tokens.refuses || !pair.includes(":")) {
      response.writeHead(401).end(JSON.stringify({ error: "invalid_client" }));
      return;
    }
    const token = `access-${given.length + 1}-for-${pair.slice(pair.indexOf(":") + 1)}`;
    given.push(token);
    gave(token);
    response.end(JSON.stringify({ access_token: token, token_type: "Bearer", expires_in: 3600 }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const tokens: TokenServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    given,
    refuses: false,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return tokens;
}

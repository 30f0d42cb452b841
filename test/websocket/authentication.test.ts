import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { expect, test } from "vitest";

import { createWebSocketHandler } from "../../src/providers/websocket/index.ts";
import { drivePool } from "../../testing/index.ts";
import { echo, serve } from "./websocket-server.ts";

test("tokens are fetched for the handshake, shared by sessions, and renewed once when they were refused", async () => {
  let issued = 0;
  const issuer = createServer((_request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ access_token: `access-token-${++issued}`, token_type: "Bearer", expires_in: 3600 }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
  let good = "access-token-1";
  await using server = await serve({
    message: echo,
    upgrade: (request, socket) => {
      if (request.headers.authorization === `Bearer ${good}`) return false;
      socket.end("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
      return true;
    },
  });
  const tokenUrl = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/token`;
  const block = {
    url: server.url,
    method: "m",
    requires_session: "true",
    auth: {
      type: "oauth2",
      grant: "client_credentials",
      token_url: tokenUrl,
      client_id: "ccos",
      client_secret_env_var: "LINE_SECRET",
    },
  };
  const pool = drivePool(createWebSocketHandler(), {
    block,
    env: { LINE_SECRET: "the-client-secret" },
    session: { max_sessions: 2, max_in_flight: 1 },
  });
  try {
    await Promise.all([pool.call({ n: 1 }), pool.call({ n: 2 })]);
    expect(issued).toBe(1);
    good = "access-token-2";
    for (const socket of server.sockets) socket.terminate();
    await expect.poll(() => pool.countOf("sessionLost")).toBe(2);
    const values = await Promise.all([pool.call({ n: 3 }), pool.call({ n: 4 })]);
    expect(values.map(({ value }) => value)).toEqual([{ n: 3 }, { n: 4 }]);
    expect(issued).toBe(2);
  } finally {
    await pool.close();
    await new Promise((resolve) => issuer.close(resolve));
  }
});

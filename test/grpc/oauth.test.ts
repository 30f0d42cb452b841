import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { expect, onTestFinished, test } from "vitest";

import { createGrpcHandler } from "../../src/providers/grpc/index.ts";
import { drivePool } from "../../testing/index.ts";
import { startShop } from "./shop-server.ts";

test("tokens of client credentials go with each call, and are renewed once when they are refused", async () => {
  let issued = 0;
  const issuer = createServer((_request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ access_token: `token-${++issued}`, token_type: "Bearer", expires_in: 3_600 }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void issuer.close());
  const shop = await startShop({ tokens: ["token-1"] });
  onTestFinished(() => shop[Symbol.asyncDispose]());
  const pool = drivePool(createGrpcHandler(), {
    block: {
      target: shop.target,
      service: "shop.v1.Shop",
      method: "Echo",
      auth: {
        type: "oauth2",
        grant: "client_credentials",
        token_url: `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/token`,
        client_id: "shop",
        client_secret_env_var: "SHOP_SECRET",
      },
    },
    env: { SHOP_SECRET: "s3cr3t" },
  });
  onTestFinished(() => pool.close());
  expect((await pool.call({ text: "a" })).value).toEqual({ text: "a" });
  shop.dials.tokens = ["token-2"];
  const answers = await Promise.all(["b", "c", "d"].map((text) => pool.call({ text })));
  expect(answers.map(({ value }) => value)).toEqual([{ text: "b" }, { text: "c" }, { text: "d" }]);
  expect(issued).toBe(2);
});

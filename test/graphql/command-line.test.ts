import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPlace, type Place } from "../cli/ccos-process.ts";
import { createShop } from "./shop-schema.ts";
import { startYoga, type YogaServer } from "./yoga-server.ts";

const shop = createShop();
let server: YogaServer;
let place: Place;
beforeAll(async () => {
  server = await startYoga({ schema: shop.schema, token: "right-token" });
  place = await createPlace();
  const block = `:endpoint "${server.url}" :requires_session "true" :auth_env_var "SHOP_TOKEN"`;
  await place.write({
    "shop.rtfs": ["ws", "sse"]
      .map(
        (way) => `(capability "shop.${way}" :description "Ticks" :effects [:network]
  :metadata {:graphql {${block} :subscription_transport "${way}" :operation "subscription { ticks }" :result_field "ticks"}})`,
      )
      .concat(`(capability "shop.order" :description "An order" :effects [:network] :input-schema [:map [:id :string]]
  :metadata {:graphql {${block} :operation "query ($id: ID!) { order(id: $id) { id } }" :result_field "order"}})`)
      .join("\n"),
  });
});
afterAll(async () => {
  await place.remove();
  await server[Symbol.asyncDispose]();
});

const env = { SHOP_TOKEN: "right-token" };

describe("ccos with GraphQL", () => {
  test.each(["ws", "sse"])(
    "call --stream over %s prints events while they come, and Ctrl-C ends it at the server",
    async (way) => {
      const { child, ended } = place.start(["call", `shop.${way}`, "--stream", "--capabilities", "shop.rtfs"], { env });
      let seen = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        expect(JSON.parse(line)).toMatchObject({ type: "data" });
        expect(shop.open.ticks).toBe(1);
        if (++seen === 3) break;
      }
      child.kill("SIGINT");
      child.stdout.resume();
      expect((await ended).code).toBe(130);
      await expect.poll(() => shop.open.ticks).toBe(0);
      expect(server.sockets).toBe(0);
    },
  );

  test("call --verbose tells of the session", async () => {
    const { code, stdout, stderr } = await place.ccos(
      ["call", "shop.order", "id=o1", "--verbose", "--capabilities", "shop.rtfs"],
      { env },
    );
    expect([code, stdout]).toEqual([0, '{"id":"o1"}\n']);
    expect(stderr).toContain("graphql_requires_session");
    expect(stderr).toContain(server.url);
    expect(stderr).not.toContain("right-token");
  });

  test("doctor says whether the token is good", async () => {
    const good = await place.ccos(["doctor", "shop.order", "--capabilities", "shop.rtfs"], { env });
    expect([good.code, good.stderr]).toEqual([0, expect.any(String)]);
    const bad = await place.ccos(["doctor", "shop.order", "--capabilities", "shop.rtfs"], {
      env: { SHOP_TOKEN: "wrong" },
    });
    expect(bad.code).toBe(1);
    expect(bad.stdout + bad.stderr).toContain("SHOP_TOKEN");
  });

  test("check warns of keys that the block does not have", async () => {
    await place.write({
      "odd.rtfs": '(capability "a.b" :description "x" :metadata {:graphql {:endpoint "http://a" :operatoin "{ a }"}})',
    });
    const { code, stdout, stderr } = await place.ccos(["check", "odd.rtfs"]);
    expect([code, stdout + stderr]).toEqual([0, expect.stringContaining("operatoin")]);
  });
});

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { ALIASES, TRAITS } from "../../src/providers/graphql/traits.ts";
import { createPlace, type Place } from "../cli/ccos-process.ts";
import { createShop } from "../graphql/shop-schema.ts";
import { startYoga, type YogaServer } from "../graphql/yoga-server.ts";
import { repository } from "../run-process.ts";

const page = await readFile(join(repository, "docs", "graphql.md"), "utf8");
const [example = ""] = [...page.matchAll(/^```clojure\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);

let server: YogaServer;
let place: Place;
beforeAll(async () => {
  server = await startYoga({ schema: createShop().schema, token: "right-token" });
  place = await createPlace();
  await place.write({ "shop.rtfs": example.replaceAll("https://shop.example.com/graphql", server.url) });
});
afterAll(async () => {
  await place.remove();
  await server[Symbol.asyncDispose]();
});

describe("the page on GraphQL", () => {
  test("names every key of a block, and no other", () => {
    const aliases = new Set<string>(Object.values(ALIASES).flat());
    const others = new Set(["type", "timeout_seconds"]);
    const keys = TRAITS.metadataKeys?.filter((key) => !aliases.has(key) && !others.has(key)) ?? [];
    const stated = [...page.matchAll(/^\| `([a-z_]+)` +\|/gm)].map(([, key]) => key);
    expect(new Set(stated)).toEqual(new Set(keys));
    expect(stated).toHaveLength(keys.length);
    for (const alias of aliases)
      if (!alias.includes("auth") && !alias.includes("token") && !alias.endsWith("_env"))
        expect(page).toContain(`\`${alias}\``);
  });

  test("has an example without errors and warnings", async () => {
    const { code, stdout } = await place.ccos(["check", "shop.rtfs", "--json"]);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { capabilities: 3, errors: [], warnings: [] }]);
  });

  test("shows what its commands print", async () => {
    const commands = [...page.matchAll(/^\$ ccos (call .*)\n((?:\{.*\n)+)/gm)];
    expect(commands).toHaveLength(3);
    for (const [, command = "", printed] of commands) {
      const words = command.match(/'[^']*'|[^\s']+(?:'[^']*')?/g)?.map((word) => word.replaceAll("'", "")) ?? [];
      const { code, stdout, stderr } = await place.ccos(words, { env: { SHOP_TOKEN: "right-token" } });
      expect([command, stderr, code, stdout]).toEqual([command, "", 0, printed]);
    }
  });

  test("tells what is said where the token is wrong", async () => {
    const words = ["call", "shop.order", "id=o1", "--capabilities", "shop.rtfs"];
    const { code, stderr } = await place.ccos(words, { env: { SHOP_TOKEN: "wrong-token" } });
    expect([code, stderr]).toEqual([1, expect.stringContaining("unauthenticated")]);
    expect(stderr).toContain("SHOP_TOKEN");
    expect(stderr).not.toContain("wrong-token");
  });
});

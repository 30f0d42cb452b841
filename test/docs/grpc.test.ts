import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { ALIASES, TRAITS } from "../../src/providers/grpc/traits.ts";
import { createPlace, type Place } from "../cli/ccos-process.ts";
import { startShop, type Shop } from "../grpc/shop-server.ts";
import { repository } from "../run-process.ts";

const page = await readFile(join(repository, "docs", "grpc.md"), "utf8");
const [example = ""] = [...page.matchAll(/^```clojure\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);

let shop: Shop;
let place: Place;
beforeAll(async () => {
  shop = await startShop({ tokens: ["right-token"] });
  place = await createPlace();
  await place.write({ "shop.rtfs": example.replaceAll("127.0.0.1:50051", shop.target) });
});
afterAll(async () => {
  await place.remove();
  await shop[Symbol.asyncDispose]();
});

describe("the page on gRPC", () => {
  test("names every key of a block, and no other", () => {
    const aliases = new Set<string>(Object.values(ALIASES).flat());
    const keys = TRAITS.metadataKeys?.filter((key) => !aliases.has(key)) ?? [];
    const stated = [...page.matchAll(/^\| `([a-z_]+)` +\|/gm)].map(([, key = ""]) => key);
    expect(stated.toSorted()).toEqual(keys.toSorted());
    for (const alias of aliases)
      if (!alias.includes("token") && !alias.endsWith("_env")) expect(page).toContain(`\`${alias}\``);
  });

  test("has an example without errors and warnings", async () => {
    const { code, stdout } = await place.ccos(["check", "shop.rtfs", "--json"]);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { capabilities: 2, errors: [], warnings: [] }]);
  });

  test("shows what its commands print", async () => {
    const commands = [...page.matchAll(/^\$ ccos (call .*)\n((?:[{[].*\n)+)/gm)];
    expect(commands).toHaveLength(3);
    for (const [, command = "", printed] of commands) {
      const words = command.match(/'[^']*'|[^\s']+/g)?.map((word) => word.replaceAll("'", "")) ?? [];
      const { code, stdout, stderr } = await place.ccos(words, { env: { SHOP_TOKEN: "right-token" } });
      expect([command, stderr, code, stdout]).toEqual([command, "", 0, printed]);
    }
  });

  test("tells what is said where the token is wrong", async () => {
    const words = ["call", "shop.list", "n=1", "--capabilities", "shop.rtfs"];
    const { code, stderr } = await place.ccos(words, { env: { SHOP_TOKEN: "wrong-token" } });
    expect([code, stderr]).toEqual([1, expect.stringContaining("unauthenticated")]);
    expect(stderr).toContain("SHOP_TOKEN");
    expect(stderr).not.toContain("wrong-token");
  });
});

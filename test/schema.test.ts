import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { configJsonSchema, configSchema, knownKeys } from "../src/config/schema.ts";
import { POLICY_SETTINGS, POLICY_TABLES, resolvePolicySettings } from "../src/policies/index.ts";
import type { JsonObject } from "../src/kernel/index.ts";
import type { SettingTable } from "../src/policies/settings.ts";
import { resolveSessionPolicy, SESSION_TABLE } from "../src/session/session-policy.ts";
import { repository } from "./run-process.ts";

test("the published schema of the configuration is the one the code checks by (npm run schema writes it)", () => {
  const published: unknown = JSON.parse(readFileSync(join(repository, "schema", "ccos.config.json"), "utf8"));
  expect(published).toEqual(JSON.parse(JSON.stringify(configJsonSchema())));
});

interface Block {
  properties?: Record<string, { description?: string }>;
}

const blocks: [string, SettingTable][] = [["session", SESSION_TABLE], ...Object.entries<SettingTable>(POLICY_TABLES)];

describe.each(blocks)("the block %s of the configuration", (block, table) => {
  test("has the settings that the runtime has, and says their defaults", () => {
    expect(knownKeys([block]).toSorted()).toEqual(Object.keys(table).toSorted());
    const { properties } = configJsonSchema() as { properties: Record<string, Block & { anyOf?: Block[] }> };
    const described = (properties[block]?.anyOf?.[0] ?? properties[block])?.properties ?? {};
    for (const [key, { fallback }] of Object.entries(table)) {
      if (fallback === undefined || typeof fallback === "string") continue;
      expect([key, /Default:? (.*)\.$/.exec(described[key]?.description ?? "")?.[1]]).toEqual([key, String(fallback)]);
    }
  });

  test("accepts no value that the runtime refuses", () => {
    const values = [
      -1,
      0,
      1,
      2,
      0.5,
      100,
      101,
      1_000_000,
      1_000_001,
      2_147_483_647,
      2_147_483_648,
      true,
      false,
      "identity",
      "x",
      null,
    ];
    for (const key of Object.keys(table)) {
      for (const value of values) {
        const given = { [block]: { [key]: value } } as JsonObject;
        if (!configSchema.safeParse(given).success) continue;
        const layers = [{ source: "configuration" as const, values: given }];
        expect(
          () => [resolvePolicySettings(layers), resolveSessionPolicy(layers)],
          JSON.stringify(given),
        ).not.toThrow();
      }
    }
  });
});

test("settings that stand for themselves are in the configuration and in each endpoint", () => {
  const single = [...blocks.map(([name]) => name), ...Object.keys(POLICY_SETTINGS)];
  expect(knownKeys([])).toEqual(expect.arrayContaining(single));
  expect(knownKeys(["endpoints", "https://a.b"])).toEqual(expect.arrayContaining(single));
});

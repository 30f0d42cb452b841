import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { configJsonSchema } from "../src/config/schema.ts";
import { repository } from "./run-process.ts";

test("the published schema of the configuration is the one the code checks by (npm run schema writes it)", () => {
  const published: unknown = JSON.parse(readFileSync(join(repository, "schema", "ccos.config.json"), "utf8"));
  expect(published).toEqual(JSON.parse(JSON.stringify(configJsonSchema())));
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

import { checkCapabilities } from "../../src/environment.ts";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { repository } from "../run-process.ts";

const page = readFileSync(join(repository, "docs", "authentication.md"), "utf8");
const source = ["http/credential.ts", "http/oauth-plan.ts", "providers/mcp/sign-in-plan.ts"]
  .map((file) => readFileSync(join(repository, "src", file), "utf8"))
  .join("\n");

describe("docs/authentication.md", () => {
  test("names every key of :auth that is read", () => {
    const keys = [...source.matchAll(/read\("auth_([a-z_]+)"\)/g)].map(([, key = ""]) => key);
    expect(keys.length).toBeGreaterThan(20);
    expect([...new Set(keys)].filter((key) => !page.includes(`\`${key}\``))).toEqual([]);
  });

  test("has examples that pass ccos check", async () => {
    const examples = [...page.matchAll(/```clojure\n(.*?)```/gs)].map(([, text = ""]) => text);
    expect(examples).toHaveLength(2);
    const folder = await mkdtemp(join(tmpdir(), "ccos-docs-"));
    try {
      for (const [at, text] of examples.entries()) await writeFile(join(folder, `${at}.rtfs`), text);
      const { errors, warnings } = await checkCapabilities([folder]);
      expect([...errors, ...warnings]).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

import { defineConfig } from "vitest/config";
import { join } from "node:path";
import { ClosingLine } from "./test/closing-line.ts";

const source = (path: string): string => join(import.meta.dirname, path);

export default defineConfig({
  resolve: {
    // What is written for users names the package; here that is the source, and not what was last built.
    alias: [
      { find: /^ccos$/, replacement: source("src/index.ts") },
      { find: /^ccos\/session$/, replacement: source("src/session/index.ts") },
      { find: /^ccos\/testing$/, replacement: source("testing/index.ts") },
      { find: /^fast-check$/, replacement: source("test/seeded-fast-check.ts") },
    ],
  },
  test: {
    include: ["src/**/*.test.ts", "testing/**/*.test.ts", "test/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    reporters: ["default", new ClosingLine()],
    // Generous, because process tests share two cores; a test that needs more says so itself.
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});

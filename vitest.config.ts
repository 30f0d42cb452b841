import { defineConfig } from "vitest/config";
import { ClosingLine } from "./test/closing-line.ts";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "testing/**/*.test.ts", "test/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    reporters: ["default", new ClosingLine()],
    // Generous, because process tests share two cores; a test that needs more says so itself.
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});

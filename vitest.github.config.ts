import { defineConfig } from "vitest/config";
import { ClosingLine } from "./test/closing-line.ts";

/** `npm run test:github`: against GitHub's own server where `MCP_AUTH_TOKEN` is set, else against the embedded one. */
export default defineConfig({
  test: {
    include: ["test/github/**/*.live.ts"],
    setupFiles: ["test/setup.ts"],
    reporters: ["default", new ClosingLine()],
    testTimeout: 60_000,
  },
});

import { defineConfig } from "oxlint";
import { roomOverrides } from "./test/architecture/lint-rules.ts";

export default defineConfig({
  plugins: ["typescript", "unicorn", "oxc", "import", "vitest"],
  options: { typeAware: true },
  categories: { correctness: "error" },
  rules: {
    // Copying before iterating is how a listener may unsubscribe while it is called.
    "unicorn/no-useless-spread": "off",
    eqeqeq: ["error", "always", { null: "ignore" }],
    "no-var": "error",
    "prefer-const": "error",
    "no-console": "error",
    "import/no-default-export": "error",
    "vitest/expect-expect": [
      "error",
      { assertFunctionNames: ["expect", "expect*", "assert*", "fc.assert", "verify*"] },
    ],
    "vitest/require-mock-type-parameters": "off",
    // Set-up in hooks checks itself with expect, too.
    "vitest/no-standalone-expect": "off",
    "vitest/valid-expect": ["error", { maxArgs: 2 }],
    "typescript/consistent-type-imports": "error",
    "typescript/no-explicit-any": "error",
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": ["error", { checksVoidReturn: false }],
    "typescript/no-non-null-assertion": "error",
    "typescript/no-unnecessary-type-assertion": "error",
    "typescript/only-throw-error": "error",
    "typescript/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
  },
  overrides: [
    ...roomOverrides(),
    { files: ["src/cli/**", "src/demo/**", "scripts/**", "bench/**", "test/**"], rules: { "no-console": "off" } },
    { files: ["**/*.test.ts"], rules: { "typescript/unbound-method": "off" } },
    { files: ["*.config.ts"], rules: { "import/no-default-export": "off" } },
  ],
  ignorePatterns: ["dist", "coverage", "node_modules"],
});

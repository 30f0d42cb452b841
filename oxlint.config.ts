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
    "no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
    "prefer-const": "error",
    "no-console": "error",
    "import/no-default-export": "error",
    // Assertions stand in helpers and properties, too, where these rules do not look.
    "vitest/expect-expect": "off",
    "vitest/no-conditional-expect": "off",
    // A suite over several transports defines only the tests that each of them has.
    "vitest/no-conditional-tests": "off",
    "vitest/require-mock-type-parameters": "off",
    "vitest/require-to-throw-message": "off",
    // Set-up in hooks checks itself with expect, too.
    "vitest/no-standalone-expect": "off",
    // An assertion kept in a variable is awaited later; no-floating-promises knows whether it is.
    "vitest/valid-expect": "off",
    "vitest/valid-title": "off",
    // Loops that walk up a chain begin with `this`; tables are allocated at their size.
    "typescript/no-this-alias": "off",
    "unicorn/no-new-array": "off",
    "typescript/consistent-type-imports": "error",
    "typescript/no-explicit-any": "error",
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": ["error", { checksVoidReturn: false }],
    "typescript/no-non-null-assertion": "error",
    // It takes an assertion for useless wherever the receiver would accept more.
    "typescript/no-unnecessary-type-assertion": "off",
    "typescript/only-throw-error": ["error", { allowThrowingUnknown: true, allowRethrowing: true, allow: ["Raised"] }],
    "typescript/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
  },
  overrides: [
    ...roomOverrides(),
    { files: ["src/cli/**", "src/demo/**", "scripts/**", "bench/**", "test/**"], rules: { "no-console": "off" } },
    {
      files: ["**/*.test.ts", "testing/**"],
      rules: {
        "no-control-regex": "off",
        "typescript/no-base-to-string": "off",
        "typescript/no-non-null-assertion": "off",
        "typescript/unbound-method": "off",
      },
    },
    { files: ["*.config.ts", "test/seeded-fast-check.ts"], rules: { "import/no-default-export": "off" } },
  ],
  ignorePatterns: ["dist", "coverage", "node_modules"],
});

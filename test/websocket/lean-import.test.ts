import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

test("importing the provider loads neither the library of its protocol nor the HTTP client", () => {
  const door = fileURLToPath(new URL("../../src/providers/websocket/index.ts", import.meta.url));
  const program = `
    import { registerHooks } from "node:module";
    const seen = [];
    registerHooks({ resolve(specifier, context, next) { seen.push(specifier); return next(specifier, context); } });
    const { createWebSocketHandler } = await import(${JSON.stringify(door)});
    createWebSocketHandler();
    console.log(JSON.stringify(seen.filter((name) => !name.startsWith(".") && !name.startsWith("node:") && name !== ${JSON.stringify(door)})));
  `;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  expect(JSON.parse(output)).toEqual([]);
});

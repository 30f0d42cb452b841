import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { aiSdk } from "./ai-sdk.ts";
import { ccos, ccosDefaults } from "./ccos.ts";
import { clientV2 } from "./client-v2.ts";
import type { Contender } from "./contender.ts";
import { floor } from "./floor.ts";
import { mastra } from "./mastra.ts";
import { mcpUse } from "./mcp-use.ts";
import { mcporter } from "./mcporter.ts";
import { sdkV1 } from "./sdk-v1.ts";
import { sdkV1Wrapper } from "./sdk-v1-wrapper.ts";
import { utcp } from "./utcp.ts";

export type { Client, Contender, Tool } from "./contender.ts";
export { ccos, ccosDefaults, floor };

/** What users would pick instead. */
export const peers: readonly Contender[] = [sdkV1Wrapper, clientV2, sdkV1, mcporter, aiSdk, mcpUse, utcp, mastra];

export const contenders: readonly Contender[] = [floor, ccos, ccosDefaults, ...peers];

export function contender(name: string): Contender {
  const found = contenders.find((candidate) => candidate.name === name);
  if (found === undefined)
    throw new Error(
      `No contender is called ${JSON.stringify(name)}; there are ${contenders.map((one) => one.name).join(", ")}.`,
    );
  return found;
}

const require = createRequire(import.meta.url);

/** The versions of a contender's packages, as installed. */
export function versionsOf({ packages }: Contender): string {
  return packages.map((name) => `${name} ${versionOf(name)}`).join(", ");
}

function versionOf(name: string): string {
  if (name === "ccos") return readVersion(join(import.meta.dirname, "..", "..", "package.json"));
  // Not every package exports its package.json, so it is looked for where Node looks.
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return readVersion(join(folder, name, "package.json"));
    } catch {
      // Not there; perhaps further up.
    }
  }
  return "not installed";
}

function readVersion(file: string): string {
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

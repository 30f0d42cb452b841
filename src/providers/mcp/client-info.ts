import { readFileSync } from "node:fs";

import type { ClientInfo } from "./negotiate.ts";

let info: ClientInfo | undefined;

/** How we introduce ourselves. */
export function clientInfo(): ClientInfo {
  if (info === undefined) {
    let version = "0.0.0";
    try {
      const text = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
      version = (JSON.parse(text) as { version: string }).version;
    } catch {
      // Bundled into another program; the name says enough.
    }
    info = { name: "ccos", version };
  }
  return info;
}

import { readFileSync } from "node:fs";

/** The version in the package's own package.json, which is two folders up from the source and three from the build. */
export function version(): string {
  for (const up of ["../../", "../../../"]) {
    try {
      const found = JSON.parse(readFileSync(new URL(`${up}package.json`, import.meta.url), "utf8")) as {
        name?: string;
        version?: string;
      };
      if (found.name === "ccos" && found.version !== undefined) return found.version;
    } catch {
      // Not here; the next one up.
    }
  }
  return "unknown";
}

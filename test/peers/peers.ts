import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { isInstalled } from "../../scripts/private-package.ts";

/** Whether `npm run peers` has been run: tests that need a peer are skipped by name where it has not. */
export const peersInstalled = isInstalled(import.meta.dirname);

/** Finds packages of this folder, and none of the project's own. */
export const requirePeer = createRequire(join(import.meta.dirname, "package.json"));

/** The path of a file of a package installed here, its `exports` notwithstanding. */
export function peerFile(name: string, ...path: string[]): string {
  return join(import.meta.dirname, "node_modules", name, ...path);
}

/** GitHub's description of its REST interface (OpenAPI 3.0, 13 MB), as `@octokit/openapi` 23.0.2 has it. */
export function githubDescription(): string {
  return gunzipSync(readFileSync(join(import.meta.dirname, "github", "api.github.com.json.gz"))).toString("utf8");
}

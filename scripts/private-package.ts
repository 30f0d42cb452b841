import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Whether the packages of a private package are there, and are those that its lock names. */
export function isInstalled(folder: string): boolean {
  const stamp = stampOf(folder);
  return statSync(stamp, { throwIfNoEntry: false }) !== undefined && readFileSync(stamp, "utf8") === lockOf(folder);
}

/** Installs a private package as locked, unless it is installed. Runs no script of any package. */
export function ensureInstalled(folder: string): void {
  if (isInstalled(folder)) return;
  console.error(`Installing what ${folder} needs …`);
  const npm = process.env["npm_execpath"];
  // Under this node, not under the one that npm was installed with; and without what only build tools need.
  const args = ["ci", "--ignore-scripts", "--omit=optional", "--loglevel=error", "--no-fund", "--no-audit"];
  if (npm === undefined) execFileSync("npm", args, { cwd: folder, stdio: ["ignore", 2, 2] });
  else execFileSync(process.execPath, [npm, ...args], { cwd: folder, stdio: ["ignore", 2, 2] });
  writeFileSync(stampOf(folder), lockOf(folder));
}

function stampOf(folder: string): string {
  return join(folder, "node_modules", ".installed");
}

function lockOf(folder: string): string {
  return createHash("sha256")
    .update(readFileSync(join(folder, "package-lock.json")))
    .digest("hex");
}

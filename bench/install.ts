import { execFileSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";

/** Installs the peers as locked, unless these very ones are there. */
export function ensureInstalled(): void {
  const folder = import.meta.dirname;
  const stamp = join(folder, "node_modules", ".installed");
  const lock = createHash("sha256")
    .update(readFileSync(join(folder, "package-lock.json")))
    .digest("hex");
  if (statSync(stamp, { throwIfNoEntry: false }) !== undefined && readFileSync(stamp, "utf8") === lock) return;
  console.error("Installing the peers into bench/node_modules …");
  const npm = process.env["npm_execpath"];
  // Under this node, not under the one that npm was installed with; and without what only their build tools need.
  const args = ["ci", "--ignore-scripts", "--omit=optional", "--loglevel=error", "--no-fund", "--no-audit"];
  if (npm === undefined) execFileSync("npm", args, { cwd: folder, stdio: ["ignore", 2, 2] });
  else execFileSync(process.execPath, [npm, ...args], { cwd: folder, stdio: ["ignore", 2, 2] });
  writeFileSync(stamp, lock);
}

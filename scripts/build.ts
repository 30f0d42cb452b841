/**
 * Compiles `src` and `testing` into `dist`, and makes `npx ccos` work in this clone.
 *
 * Runs at `npm ci` (as `prepare`), at `npm run build` and before the tests. The users of the published
 * package never run it: what they install is already built.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const root = dirname(import.meta.dirname);
const bin = join(root, "node_modules", ".bin");
const entry = join(root, "dist", "src", "cli", "main.js");

rmSync(join(root, "dist"), { recursive: true, force: true });
try {
  execFileSync(
    process.execPath,
    [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", join(root, "tsconfig.build.json")],
    {
      // npm mixes what a `prepare` writes to stdout into the output of `npm pack --json`.
      stdio: ["ignore", 2, 2],
    },
  );
} catch {
  process.stderr.write("The build failed: see the errors of the compiler above.\n");
  process.exit(1);
}

// tsc writes no executable bits, and npm links a package's own bin only where it is installed from elsewhere.
chmodSync(entry, 0o755);
const link = join(bin, "ccos");
if (process.platform !== "win32") {
  mkdirSync(bin, { recursive: true });
  if (existsSync(link) || isLink(link)) rmSync(link);
  symlinkSync(relative(bin, entry), link);
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

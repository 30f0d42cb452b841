/**
 * Compiles `src` and `testing` into `dist`, bundles the command into `dist/bin`, and makes `npx ccos` work in this clone.
 *
 * Runs at `npm ci` (as `prepare`), at `npm run build` and before the tests. The users of the published package never run
 * it: what they install is already built.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, lstatSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { rolldown } from "rolldown";

const root = dirname(import.meta.dirname);
const dist = join(root, "dist");
const entry = join(dist, "bin", "ccos.js");

rmSync(dist, { recursive: true, force: true });
try {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  // npm mixes what a `prepare` writes to stdout into the output of `npm pack --json`.
  execFileSync(process.execPath, [tsc, "-p", join(root, "tsconfig.build.json")], { stdio: ["ignore", 2, 2] });
} catch {
  process.stderr.write("The build failed: see the errors of the compiler above.\n");
  process.exit(1);
}

// One file each for 170 modules would cost more at every start than everything they do.
const bundle = await rolldown({
  input: { ccos: join(root, "src", "cli", "main.ts") },
  platform: "node",
  // Packages stay packages; only files of ours are bundled.
  external: /^[^./]/,
});
await bundle.write({ dir: join(dist, "bin"), format: "esm", sourcemap: true, chunkFileNames: "[name]-[hash].js" });
await bundle.close();
chmodSync(entry, 0o755);

// npm links the bins of installed packages, but not a package's own.
if (process.platform !== "win32") {
  const bin = join(root, "node_modules", ".bin");
  mkdirSync(bin, { recursive: true });
  const link = join(bin, "ccos");
  if (lstatSync(link, { throwIfNoEntry: false })) rmSync(link);
  symlinkSync(relative(bin, entry), link);
}

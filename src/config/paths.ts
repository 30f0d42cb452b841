import { stat } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import { CcosError } from "../kernel/index.ts";

/** Paths that lead from here to where they lead from `cwd`; as given where that is here, since people read them. */
export function anchored(paths: readonly string[], cwd: string): string[] {
  return paths.map((path) => (isAbsolute(path) || cwd === process.cwd() ? path : resolve(cwd, path)));
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

export async function requireExisting(path: string): Promise<void> {
  if (await exists(path)) return;
  throw new CcosError("not-found", `There is no file or folder ${path}.`, {
    remedy: "Check the path; it is relative to the current folder.",
  });
}

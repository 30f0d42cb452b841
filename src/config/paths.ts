import { stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
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

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Where the tokens of `ccos auth` are kept: `CCOS_AUTH_DIR`, else `ccos/sign-ins` in `XDG_CONFIG_HOME`, else in `.config`
 * of the user's home.
 */
export function signInFolder(env: Variables): string {
  const named = env["CCOS_AUTH_DIR"];
  if (named !== undefined && named !== "") return resolve(named);
  return join(userFolder(env), "sign-ins");
}

/** What is the user's own: `ccos` in `XDG_CONFIG_HOME`, else in `.config` of the user's home. */
export function userFolder(env: Variables): string {
  return join(absolute(env["XDG_CONFIG_HOME"]) ?? join(homeOf(env), ".config"), "ccos");
}

/** The user's home: what `HOME` says, else what the system knows; a user it does not know has the root. */
export function homeOf(env: Variables): string {
  const named = absolute(env["HOME"]);
  if (named !== undefined) return named;
  try {
    return userInfo().homedir;
  } catch {
    return resolve("/");
  }
}

/** A relative path would lead into the working directory, and let what is found there decide for the user. */
export function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}

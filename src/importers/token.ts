import { fail, isLoopbackHost, oneLine } from "../kernel/index.ts";
import type { ImportOptions } from "./declaration.ts";

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The name of a variable as a person gave it, checked: what does not look like one may be the token itself. */
export function checkVariable(name: string, option = "--auth-env"): string {
  if (!VARIABLE.test(name)) {
    fail("invalid-argument", `What ${option} was given is not the name of a variable.`, {
      remedy: `${option} takes the name of the variable that holds the token, not the token.`,
    });
  }
  return name;
}

/**
 * The token of the variable that the options name, to be sent to the source. Undefined where none is named.
 * Throws `unauthenticated` where it is not set, and `permission-denied` where it would travel in the clear.
 *
 * @param shown the source for people
 * @param url where it would be sent; undefined where it goes to a child process or nowhere
 */
export function readToken(options: ImportOptions, shown: string, url?: URL): string | undefined {
  const { authEnv, env = process.env } = options;
  if (authEnv === undefined) return undefined;
  checkVariable(authEnv);
  const token = Object.hasOwn(env, authEnv) ? env[authEnv] : undefined;
  if (token === undefined || token === "") {
    return fail("unauthenticated", `The variable ${authEnv}, which --auth-env names, is not set.`, {
      remedy: `Set ${authEnv} to a token for ${shown}.`,
    });
  }
  if (url !== undefined && !["https:", "wss:"].includes(url.protocol) && !isLoopbackHost(url.hostname)) {
    fail("permission-denied", `The token of ${authEnv} would travel in the clear to ${oneLine(url.host, 100)}.`, {
      remedy: "Use an https address.",
    });
  }
  return token;
}

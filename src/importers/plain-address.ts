import { createRedactor, fail } from "../kernel/index.ts";
import type { Warn } from "./declaration.ts";

/** Refuses an address with user and password: files hold the address they were made from. */
export function requireNoCredentials(url: URL): void {
  if (url.username === "" && url.password === "") return;
  fail("invalid-argument", `The address of ${url.host} holds credentials, which would be written to the files.`, {
    remedy: "Put the token into a variable and name that with --auth-env.",
  });
}

/** The address as the files may hold it, for people; warns where it seems to hold a secret. */
export function warnOfSecrets(url: URL, warn: Warn): string {
  const shown = createRedactor().redact(url.href);
  if (shown !== url.href) warn(`The address seems to hold a secret, and the files hold the address: ${shown}`);
  return shown;
}

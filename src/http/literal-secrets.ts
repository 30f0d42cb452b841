import { fail, isLoopbackHost, isSecretName } from "../kernel/index.ts";

/**
 * Credentials that a capability's file holds itself, in a header, in the query or on a command line, and what is left
 * without them: that may be shown. They tell identities apart as any other credential does.
 */
export interface Parted<T> {
  readonly secrets: Readonly<Record<string, string>>;
  readonly shown: T;
}

const HIDDEN = "[redacted]";

export function partHeaders(headers: Readonly<Record<string, string>>): Parted<Record<string, string>> {
  const secrets: Record<string, string> = {};
  const shown: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (isSecretName(name)) secrets[`header ${name}`] = value;
    else shown[name] = value;
  }
  return { secrets, shown };
}

export function partQuery(url: URL): Parted<URL> {
  const secrets: Record<string, string> = {};
  const shown = new URL(url);
  for (const [name, value] of url.searchParams) {
    if (value === "" || !(isSecretName(name) || /^(?:key|sig|signature)$/i.test(name))) continue;
    secrets[`query ${name}`] = value;
    shown.searchParams.delete(name);
  }
  return { secrets, shown };
}

/** `--token x` and `--token=x`: the values. */
export function partArguments(args: readonly string[]): Parted<string[]> {
  const secrets: Record<string, string> = {};
  const shown = args.map((arg, index) => {
    const [, flag = "", value = ""] = /^--?([\w-]+)=(.+)$/s.exec(arg) ?? [];
    const [, before = ""] = /^--?([\w-]+)$/.exec(args[index - 1] ?? "") ?? [];
    if (value !== "" && isSecretName(flag)) {
      secrets[`argument ${index}`] = value;
      return `${arg.slice(0, arg.length - value.length)}${HIDDEN}`;
    }
    if (!isSecretName(before) || arg.startsWith("-")) return arg;
    secrets[`argument ${index}`] = arg;
    return HIDDEN;
  });
  return { secrets, shown };
}

/** Throws `permission-denied` where secrets of the file would travel in the clear to another machine. */
export function requireEncryption(url: URL, secrets: Readonly<Record<string, string>>, capabilityId: string): void {
  const [name] = Object.keys(secrets);
  if (name === undefined || /^(?:https|wss):$/.test(url.protocol) || isLoopbackHost(url.hostname)) return;
  fail(
    "permission-denied",
    `The ${name} of ${JSON.stringify(capabilityId)} would travel to ${url.host} in the clear.`,
    {
      remedy: url.protocol === "ws:" ? "Use a wss URL." : "Use an https URL.",
    },
  );
}

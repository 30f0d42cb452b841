import { fail, isLoopbackHost } from "../kernel/index.ts";

/** The origin of a child process: what it gets, it gets through its own environment. */
export const COMMAND_ORIGIN = "command:";

// `URL` drops default ports only for the schemes of browsers.
const DEFAULT_PORTS: Readonly<Record<string, string>> = { "grpcs:": "443" };
const ENCRYPTED: ReadonlySet<string> = new Set(["https:", "wss:", "grpcs:"]);
const CLEAR: ReadonlySet<string> = new Set(["http:", "ws:", "grpc:", "tcp:"]);

/**
 * `scheme://host:port` in one spelling: lower case, without the default port, path or query.
 * `command:` stays as it is. An address with a user name or password in it is refused: those
 * would be credentials that nothing guards.
 */
export function normaliseOrigin(address: string): string {
  if (address === COMMAND_ORIGIN) return address;
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return fail("invalid-argument", "This is no address with a scheme and a host.", {
      remedy: "Write it as scheme://host or scheme://host:port.",
    });
  }
  if (url.username !== "" || url.password !== "") {
    fail(
      "invalid-argument",
      `The address of ${url.protocol}//${url.host.toLowerCase()} holds a user name or password.`,
      {
        remedy: "Take it out of the address and name a variable for it.",
      },
    );
  }
  if (url.host === "") {
    fail("invalid-argument", `An address of the scheme ${url.protocol} has no host.`, {
      remedy: "Write it as scheme://host or scheme://host:port.",
    });
  }
  const port = url.port === "" || url.port === DEFAULT_PORTS[url.protocol] ? "" : `:${url.port}`;
  return `${url.protocol}//${url.hostname.toLowerCase()}${port}`;
}

/** This machine: 127.0.0.0/8, `::1` or `localhost`, in a normalised origin. */
export function isLoopback(origin: string): boolean {
  const host = /^[a-z][a-z0-9+.-]*:\/\/(\[[^\]]*\]|[^:/]*)/.exec(origin)?.[1];
  return host !== undefined && isLoopbackHost(host);
}

/** How a secret would travel to a normalised origin; `unknown` for a scheme nobody here has heard of. */
export function transport(origin: string): "local" | "encrypted" | "clear" | "unknown" {
  if (origin === COMMAND_ORIGIN || isLoopback(origin)) return "local";
  const scheme = origin.slice(0, origin.indexOf(":") + 1);
  if (ENCRYPTED.has(scheme)) return "encrypted";
  return CLEAR.has(scheme) ? "clear" : "unknown";
}

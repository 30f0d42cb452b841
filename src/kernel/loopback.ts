/**
 * A host name that is this machine: `localhost`, 127.0.0.0/8 or `[::1]`, as `URL` spells them. Names below
 * `localhost` are not: whatever resolves them may send them elsewhere.
 */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

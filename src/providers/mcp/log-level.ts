import type { Connection } from "./connect.ts";
import { offers } from "./handshake.ts";
import { LOG_LEVELS, type LogLevel } from "./target.ts";

/** Position of a level, 0 for the mildest; -1 for what is none. `off` is beyond all. */
export function levelIndex(level: string): number {
  return level === "off" ? LOG_LEVELS.length : LOG_LEVELS.indexOf(level as LogLevel);
}

/** The mildest level that was asked for on a session. */
const asked = new WeakMap<Connection, number>();

/**
 * Has the server tell its log from a level on. In the revisions with sessions the level is the session's: it is only
 * ever lowered, and who wants less passes the rest over. In the other ones it goes with the call: then it is given back.
 */
export async function askForLog(
  connection: Connection,
  level: LogLevel | "off",
  signal: AbortSignal,
): Promise<LogLevel | undefined> {
  const { server, era, transport } = connection;
  if (level === "off" || !offers(server, "logging")) return undefined;
  if (era === "modern") return level;
  // Some say their log there and not with the call.
  await transport.listen();
  const index = levelIndex(level);
  if (index >= (asked.get(connection) ?? Infinity)) return undefined;
  asked.set(connection, index);
  // A server that does not know it says what it likes to say.
  await transport.request("logging/setLevel", { level }, { signal }).catch(() => {});
  return undefined;
}

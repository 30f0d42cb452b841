import type { Database } from "./database.ts";

/** The next number of a count, which never goes back. Within a transaction. */
export function nextNumber(database: Database, count: string): number {
  const row = database.get<{ value: number }>(
    "INSERT INTO counters (name, value) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
    count,
  );
  return (row as { value: number }).value;
}

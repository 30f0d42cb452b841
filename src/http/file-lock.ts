import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";

import { fail, sleep, type Clock } from "../kernel/index.ts";

export interface FileLockOptions {
  readonly clock: Clock;
  /** How long to wait for whoever has it, in milliseconds. Default 30000. */
  readonly waitMs?: number | undefined;
  /** A lock this old was left behind, in milliseconds. Longer than anything that is done under it. Default 60000. */
  readonly staleMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const POLL_MS = 50;

/**
 * Runs `work` while no other process runs something under the same lock file. A lock whose process is gone, or that
 * is older than anything done under one, is taken over. Throws `unavailable` where it cannot be had in time.
 */
export async function withFileLock<T>(file: string, options: FileLockOptions, work: () => Promise<T>): Promise<T> {
  const { clock, waitMs = 30_000, staleMs = 60_000, signal = new AbortController().signal } = options;
  const token = randomUUID();
  const mark = JSON.stringify({ token, pid: process.pid, host: hostname() });
  for (const since = clock.monotonic(); !(await take(file, mark));) {
    await removeStale(file, staleMs);
    if (clock.monotonic() - since > waitMs) {
      fail("unavailable", `The lock ${file} was not to be had within ${waitMs} ms.`, {
        remedy: "Another process holds it; if none does, remove that file.",
      });
    }
    await sleep(clock, POLL_MS, signal);
  }
  try {
    return await work();
  } finally {
    // Only our own: one that somebody took over is theirs.
    if ((await readFile(file, "utf8").catch(() => "")) === mark) await rm(file, { force: true });
  }
}

async function take(file: string, mark: string): Promise<boolean> {
  try {
    const handle = await open(file, "wx", 0o600);
    try {
      await handle.writeFile(mark);
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function removeStale(file: string, staleMs: number): Promise<void> {
  const [text, facts] = await Promise.all([
    readFile(file, "utf8").catch(() => undefined),
    stat(file).catch(() => undefined),
  ]);
  if (text === undefined || facts === undefined) return;
  if (Date.now() - facts.mtimeMs < staleMs && !isLeftBehind(text)) return;
  // Moved away first: of several who find it stale, one gets it, and whoever moved a new one sees that by its mark.
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
    if ((await readFile(aside, "utf8")) === text) await rm(aside, { force: true });
    else await rename(aside, file);
  } catch {
    // Somebody else was first.
  }
}

/** Whether the process that holds it is known to be gone. One that is still writing its mark is not. */
function isLeftBehind(text: string): boolean {
  try {
    const { pid, host } = JSON.parse(text) as { readonly pid?: unknown; readonly host?: unknown };
    if (typeof pid !== "number" || host !== hostname()) return false;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

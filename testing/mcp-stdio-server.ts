import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import type { JsonObject } from "../src/kernel/index.ts";
import type { StdioNote, StdioOrders } from "./mcp-stdio-process.ts";

export type { StdioNote, StdioOrders } from "./mcp-stdio-process.ts";

/** An MCP server on stdio that a test steers. Whoever opens a session starts a process of it. */
export interface McpStdioServer extends Disposable {
  /** What starts it: `:command` and `:args`. */
  readonly block: JsonObject;
  readonly orders: StdioOrders;
  /** Changes what every process of it does from its next message on. */
  order(changes: Partial<StdioOrders>): void;
  /** What its processes have seen, in order. */
  readonly notes: readonly StdioNote[];
  /** Processes that are alive. */
  readonly pids: readonly number[];
  /** Kills every process, and resolves when all are gone. */
  kill(): Promise<void>;
}

export function startMcpStdioServer(orders: Partial<StdioOrders> = {}): McpStdioServer {
  const folder = mkdtempSync(join(tmpdir(), "ccos-stdio-"));
  const [ordersFile, notesFile] = [join(folder, "orders.json"), join(folder, "notes.jsonl")];
  const script = join(import.meta.dirname, `mcp-stdio-process${extname(import.meta.filename)}`);
  let current: StdioOrders = {
    era: "legacy",
    fault: null,
    faultUntilCall: Number.MAX_SAFE_INTEGER,
    hold: false,
    rejection: "no",
    oversize: 0,
    ...orders,
  };
  const write = (): void => {
    // In one step, so that nobody reads half of it.
    writeFileSync(`${ordersFile}.new`, JSON.stringify(current));
    renameSync(`${ordersFile}.new`, ordersFile);
  };
  const notes = (): StdioNote[] =>
    readFileSync(notesFile, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as StdioNote);
  const pids = (): number[] => notes().flatMap(({ kind, pid }) => (kind === "started" && isAlive(pid) ? [pid] : []));
  write();
  appendFileSync(notesFile, "");
  return {
    block: { command: process.execPath, args: [script, ordersFile, notesFile] },
    get orders() {
      return current;
    },
    order(changes) {
      current = { ...current, ...changes };
      write();
    },
    get notes() {
      return notes();
    },
    get pids() {
      return pids();
    },
    async kill() {
      for (const pid of pids()) process.kill(pid, "SIGKILL");
      while (pids().length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

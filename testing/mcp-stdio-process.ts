import { appendFileSync, readFileSync } from "node:fs";

/**
 * The child process of a scripted stdio server. What it shall do stands in one file, which it reads anew at
 * every message, and what it has seen it writes to another: so that the test sees both at once, whatever
 * becomes of the process.
 */
export interface StdioOrders {
  /** `legacy`: handshake; `modern`: 2026-07-28. */
  readonly era: "legacy" | "modern";
  readonly fault: "hangs-opening" | "hangs-calling" | "rejected" | "cut" | "malformed" | "oversize" | null;
  /** The fault hits calls up to this number, those to earlier processes counted. */
  readonly faultUntilCall: number;
  /** Calls wait until this is false; then the latest is answered first. */
  readonly hold: boolean;
  /** What a rejected call is told. */
  readonly rejection: string;
  /** Characters of an oversize answer. */
  readonly oversize: number;
}

export type StdioNote =
  | { readonly kind: "started"; readonly pid: number }
  | { readonly kind: "opened" | "cancelled" | "stream-opened" | "stream-ended"; readonly pid: number }
  /** So many events more of endless calls. */
  | { readonly kind: "sent"; readonly pid: number; readonly events: number }
  | { readonly kind: "held" | "ran" | "called"; readonly pid: number; readonly text: string };

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: {
    readonly name?: string;
    readonly arguments?: { readonly text?: string; readonly steps?: number; readonly endless?: boolean };
    readonly requestId?: unknown;
    readonly _meta?: { readonly progressToken?: unknown };
  };
}

const [, , ordersFile, notesFile] = process.argv;
if (ordersFile !== undefined && notesFile !== undefined) serve(ordersFile, notesFile);

function serve(orders: string, notes: string): void {
  const held = new Map<unknown, Message>();
  const read = (): StdioOrders => JSON.parse(readFileSync(orders, "utf8")) as StdioOrders;
  const note = (entry: object): void => appendFileSync(notes, `${JSON.stringify({ ...entry, pid: process.pid })}\n`);
  const say = (message: object): void =>
    void process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const textOf = ({ params }: Message): string => params?.arguments?.text ?? "";

  const run = (message: Message, fault: StdioOrders["fault"], { era, oversize }: StdioOrders): void => {
    const text = textOf(message);
    note({ kind: "ran", text });
    const extra = era === "modern" ? { resultType: "complete" } : {};
    const shown = fault === "oversize" ? "x".repeat(oversize) : text;
    if (fault === "cut") process.exit(1);
    else if (fault === "malformed") say({ id: message.id, result: { ...extra, hello: 1 } });
    else say({ id: message.id, result: { ...extra, content: [], structuredContent: { text: shown } } });
  };

  const call = (message: Message): void => {
    const { fault, faultUntilCall, hold, rejection, ...rest } = read();
    note({ kind: "called", text: textOf(message) });
    const calls = readFileSync(notes, "utf8").split('"kind":"called"').length - 1;
    const current = fault !== null && calls <= faultUntilCall ? fault : null;
    if (hold) {
      held.set(message.id, message);
      note({ kind: "held", text: textOf(message) });
    } else if (current === "rejected") say({ id: message.id, error: { code: -32602, message: rejection } });
    else if (current !== "hangs-calling") run(message, current, { fault, faultUntilCall, hold, rejection, ...rest });
  };

  const streams = new Set<unknown>();
  const progress = (message: Message, at: number, text: string): boolean =>
    process.stdout.write(
      `${JSON.stringify({
        jsonrpc: "2.0",
        method: "notifications/progress",
        params: { progressToken: message.params?._meta?.progressToken, progress: at, message: text },
      })}\n`,
    );
  /** Tells of its steps: so many, or without end as long as somebody reads. */
  const count = async (message: Message): Promise<void> => {
    const { steps = 0, endless } = message.params?.arguments ?? {};
    note({ kind: "stream-opened" });
    streams.add(message.id);
    const filling = endless === true ? "x".repeat(4_000) : "step";
    for (let at = 1; streams.has(message.id) && (endless === true || at <= steps); at++) {
      if (!progress(message, at, filling)) await new Promise((resolve) => process.stdout.once("drain", resolve));
      if (endless !== true) continue;
      if (at % 50 === 0) note({ kind: "sent", events: 50 });
      await new Promise(setImmediate);
    }
    note({ kind: "stream-ended" });
    const extra = read().era === "modern" ? { resultType: "complete" } : {};
    if (streams.delete(message.id))
      say({ id: message.id, result: { ...extra, content: [], structuredContent: { steps } } });
  };

  const receive = (message: Message): void => {
    const { fault, era } = read();
    switch (message.method) {
      case "initialize":
      case "server/discover": {
        if (fault === "hangs-opening") return;
        const discovers = message.method === "server/discover";
        if (discovers && era === "legacy")
          return say({ id: message.id, error: { code: -32601, message: "Method not found" } });
        note({ kind: "opened" });
        const shared = { capabilities: { tools: {} } };
        const serverInfo = { name: "scripted", version: "1.0.0" };
        if (!discovers)
          return say({ id: message.id, result: { ...shared, protocolVersion: "2025-11-25", serverInfo } });
        const modern = { resultType: "complete", supportedVersions: ["2026-07-28"], ttlMs: 0, cacheScope: "private" };
        return say({
          id: message.id,
          result: { ...shared, ...modern, _meta: { "io.modelcontextprotocol/serverInfo": serverInfo } },
        });
      }
      case "ping":
        return say({ id: message.id, result: {} });
      case "notifications/cancelled":
        streams.delete(message.params?.requestId);
        if (held.delete(message.params?.requestId)) note({ kind: "cancelled" });
        return;
      case "tools/call":
        return message.params?.name === "count" ? void count(message) : call(message);
      default:
        if (message.id !== undefined) say({ id: message.id, error: { code: -32601, message: "Method not found" } });
    }
  };

  note({ kind: "started" });
  // A banner, as many servers print one.
  process.stdout.write("scripted server, on stdio\n");
  const release = (): void => {
    if (held.size === 0 || read().hold) return;
    const waiting = [...held.values()].reverse();
    held.clear();
    for (const message of waiting) run(message, null, read());
  };
  setInterval(release, 5).unref();
  let rest = "";
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) receive(JSON.parse(line) as Message);
  });
  process.stdin.on("end", () => process.exit(0));
}

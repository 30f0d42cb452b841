import type { McpServer, McpServerDials } from "../testing/mcp-server.ts";
import type { Tool } from "./contenders/index.ts";

/** What goes wrong at the server, and when. It runs in the server's process. */
export interface Scenario {
  readonly id: string;
  readonly title: string;
  /** What happens, for people. */
  readonly what: string;
  readonly tool: Tool;
  /** Calls in all, by calls in flight. */
  readonly calls: Readonly<Record<InFlight, number>>;
  readonly dials?: Partial<McpServerDials> | undefined;
  /** Begins once this many calls have run. */
  readonly after?: number;
  readonly trouble?: (around: Trouble) => Promise<void> | void;
  /** A caller that was refused comes back after this time. Default 0. */
  readonly pauseMs?: number;
  /** Failures that no client can avoid without the risk of running a call twice, or of being flooded. */
  readonly unavoidable?: number;
  /** Handshakes of a client that opens one session, and one for each that is lost. */
  readonly handshakes: number;
}

export type InFlight = 1 | 16;

export interface Trouble {
  readonly server: McpServer;
  /** From now on calls can succeed again: the time to heal is counted from here. */
  readonly over: () => void;
  /** Has the client's variable hold the new token, and resolves when it does. */
  readonly rotateToken: () => Promise<void>;
}

export const OLD_TOKEN = "old-token-of-the-bench";
export const NEW_TOKEN = "new-token-of-the-bench";
export const FORGET_AFTER = 50;
const MIB = 1024 * 1024;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const many = { 1: 400, 16: 1600 } as const;

function refuseFor(ms: number, fault: McpServerDials["fault"]): NonNullable<Scenario["trouble"]> {
  return async ({ server, over }) => {
    server.dials.fault = fault;
    await sleep(ms);
    server.dials.fault = null;
    over();
  };
}

function spoil(times: number, fault: McpServerDials["fault"]): NonNullable<Scenario["trouble"]> {
  return ({ server, over }) => {
    server.dials.faultTimes = times;
    server.dials.fault = fault;
    over();
  };
}

export const scenarios: readonly Scenario[] = [
  {
    id: "expire-404",
    title: "expires, 404",
    what: `a session is forgotten after ${FORGET_AFTER} calls; an unknown one is answered with 404, as the specification says`,
    tool: "store",
    calls: { 1: 1000, 16: 1000 },
    dials: { forgetAfterCalls: FORGET_AFTER },
    handshakes: 20,
  },
  {
    id: "expire-400",
    title: "expires, 400",
    what: "the same, in the dialect of many servers: 400 and `No valid session ID provided`",
    tool: "store",
    calls: { 1: 1000, 16: 1000 },
    dials: {
      forgetAfterCalls: FORGET_AFTER,
      unknownSession: { status: 400, code: -32000, message: "Bad Request: No valid session ID provided" },
    },
    handshakes: 20,
  },
  {
    id: "forget-all",
    title: "forgets all",
    what: "the server forgets every session at once",
    tool: "store",
    calls: many,
    after: 100,
    trouble: ({ server, over }) => {
      server.forgetAll();
      over();
    },
    handshakes: 2,
  },
  {
    id: "restart",
    title: "restarts",
    what: "the server ends politely (for 50 ms no connection is kept), and is back after 0.5 s without its sessions",
    tool: "store",
    calls: many,
    after: 100,
    trouble: async ({ server, over }) => {
      await server.stop({ drainMs: 50 });
      await sleep(500);
      await server.restart();
      over();
    },
    pauseMs: 25,
    handshakes: 2,
  },
  {
    id: "kill",
    title: "is killed (read)",
    what: "every connection is cut in the middle of calls; the server is back after 0.5 s without its sessions",
    tool: "read",
    calls: many,
    dials: { delayMs: 2 },
    after: 100,
    trouble: async ({ server, over }) => {
      await server.stop();
      await sleep(500);
      await server.restart();
      over();
    },
    pauseMs: 25,
    handshakes: 2,
  },
  {
    id: "rotate",
    title: "token rotates, 401",
    what: "the variable that holds the token gets a new one, then the server refuses the old one with 401",
    tool: "store",
    calls: many,
    dials: { tokens: [OLD_TOKEN, NEW_TOKEN] },
    after: 100,
    trouble: async ({ server, over, rotateToken }) => {
      await rotateToken();
      server.dials.tokens = [NEW_TOKEN];
      over();
    },
    handshakes: 2,
  },
  {
    id: "rate-limit",
    title: "429, Retry-After: 1",
    what: "for just under a second every call is refused with 429 and `Retry-After: 1`",
    tool: "store",
    calls: many,
    after: 100,
    trouble: refuseFor(950, {
      kind: "status",
      status: 429,
      headers: { "retry-after": "1" },
      body: "Too many requests",
    }),
    pauseMs: 25,
    handshakes: 1,
  },
  {
    id: "unavailable",
    title: "503 (read)",
    what: "for 0.3 s every call is refused with 503, which does not say whether it ran",
    tool: "read",
    calls: many,
    after: 100,
    trouble: refuseFor(300, { kind: "status", status: 503, body: "Service unavailable" }),
    pauseMs: 25,
    handshakes: 1,
  },
  {
    id: "cut-store",
    title: "cut after running",
    what: "5 calls run, then their connection is cut before the answer",
    tool: "store",
    calls: many,
    after: 100,
    trouble: spoil(5, { kind: "cut", executed: true }),
    unavoidable: 5,
    handshakes: 1,
  },
  {
    id: "cut-read",
    title: "cut after running (read)",
    what: "the same with a tool that only reads, so that running it again is harmless",
    tool: "read",
    calls: many,
    after: 100,
    trouble: spoil(5, { kind: "cut", executed: true }),
    handshakes: 1,
  },
  {
    id: "hang",
    title: "hangs",
    what: "3 calls are never answered",
    tool: "store",
    calls: many,
    after: 100,
    trouble: spoil(3, { kind: "hang" }),
    unavoidable: 3,
    handshakes: 1,
  },
  {
    id: "slow",
    title: "is slow",
    what: "every call takes 1.5 s",
    tool: "store",
    calls: { 1: 3, 16: 48 },
    dials: { delayMs: 1500 },
    handshakes: 1,
  },
  {
    id: "malformed",
    title: "malformed",
    what: "5 answers break off in the middle of their JSON",
    tool: "store",
    calls: many,
    after: 100,
    trouble: spoil(5, { kind: "raw", body: '{"jsonrpc":"2.0","id":$ID,"result":{"content":[{"type":"te' }),
    unavoidable: 5,
    handshakes: 1,
  },
  {
    id: "oversized",
    title: "oversized",
    what: "2 answers have 64 MiB of text",
    tool: "store",
    calls: many,
    after: 100,
    trouble: spoil(2, { kind: "oversize", bytes: 64 * MIB }),
    unavoidable: 2,
    handshakes: 1,
  },
];

export function scenario(id: string): Scenario {
  const found = scenarios.find((candidate) => candidate.id === id);
  if (found === undefined)
    throw new Error(`There is no scenario ${JSON.stringify(id)}: ${scenarios.map((one) => one.id).join(", ")}.`);
  return found;
}

/** The scripted server of one run, in a process of its own. It counts what the client under test makes it do. */
import { startMcpServer, type McpServer, type McpTool } from "../testing/mcp-server.ts";
import { text } from "../testing/mcp-tools.ts";
import { FORGET_AFTER, scenario } from "./scenarios.ts";

export interface ServerReport {
  /** Calls that ran more than once. */
  readonly twice: number;
  readonly handshakes: number;
  readonly deletes: number;
  /** Sessions that the client left behind. */
  readonly left: number;
  /** Instants from which calls could succeed again. */
  readonly overAt: readonly number[];
}

let server: McpServer | undefined;
let ran = 0;
let overAt: number[] = [];
let tokenRotated = Promise.withResolvers<void>();

/** Comparable between processes of one machine. */
const now = (): number => performance.timeOrigin + performance.now();

process.on("message", (message: { start: string } | { report: true } | { rotated: true }) => {
  if ("start" in message) void start(message.start);
  else if ("rotated" in message) tokenRotated.resolve();
  else void report();
});
process.on("disconnect", () => process.exit());

async function start(id: string): Promise<void> {
  const { dials, after, trouble } = scenario(id);
  ran = 0;
  overAt = [];
  tokenRotated = Promise.withResolvers<void>();
  const over = (): void => void overAt.push(now());
  const run: McpTool["run"] = (input, call) => {
    if (dials?.forgetAfterCalls !== undefined && call.count === FORGET_AFTER) over();
    if (++ran === after && trouble !== undefined) {
      const rotateToken = (): Promise<void> => {
        process.send?.({ rotate: true });
        return tokenRotated.promise;
      };
      // Once this call has been answered.
      setImmediate(() => void trouble({ server: current, over, rotateToken }));
    }
    return text(`${String(input["key"])} done`);
  };
  const inputSchema = { type: "object", properties: { key: { type: "string" } }, required: ["key"] };
  const tools: McpTool[] = [
    { name: "store", description: "Stores a key.", inputSchema, run },
    { name: "read", description: "Reads a key.", inputSchema, annotations: { readOnlyHint: true }, run },
  ];
  const current = await startMcpServer({ ...dials, tools });
  server = current;
  process.send?.({ url: current.url });
}

async function report(): Promise<void> {
  if (server === undefined) return;
  const result: ServerReport = {
    twice: [...server.executions.values()].filter((times) => times > 1).length,
    handshakes: server.counts.initialize,
    deletes: server.counts.delete,
    left: [...server.sessions.values()].filter((session) => session.state === "open").length,
    overAt,
  };
  await server.stop();
  process.send?.(result);
}
